// SPDX-License-Identifier: MIT
#include "stats/proportions.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "stats/exact_tail.h"
#include "stats/tails.h"

namespace manhattan::stats {
namespace {

ZTest test_of(double diff, double variance) noexcept {
  ZTest test{.diff = diff, .se = std::sqrt(variance)};
  test.z = diff / test.se;
  test.p_value = diff == 0 ? 1 : two_sided_normal_p(test.z);
  return test;
}

}  // namespace

Interval wilson(Proportion p, double z) {
  const auto n = static_cast<double>(p.n);
  const double rate = p.rate(), z2 = z * z;
  const double middle = rate + z2 / (2 * n);
  const double half = z * std::sqrt(rate * (1 - rate) / n + z2 / (4 * n * n));
  const double scale = 1 + z2 / n;
  // At the ends the two terms are equal, and would leave a rounding error.
  return {p.x == 0 ? 0 : (middle - half) / scale, p.x == p.n ? 1 : (middle + half) / scale};
}

Interval clopper_pearson(Proportion p, double alpha) {
  const auto x = static_cast<double>(p.x), rest = static_cast<double>(p.n - p.x);
  return {p.x == 0 ? 0 : boost::math::ibeta_inv(x, rest + 1, alpha / 2),
          p.x == p.n ? 1 : boost::math::ibetac_inv(x + 1, rest, alpha / 2)};
}

ZTest unpooled_test(Proportion a, Proportion b) noexcept {
  return test_of(b.rate() - a.rate(), a.variance() + b.variance());
}

ZTest pooled_test(Proportion a, Proportion b) noexcept {
  const double rate = Proportion{a.n + b.n, a.x + b.x}.rate();
  const double per_visitor = 1 / static_cast<double>(a.n) + 1 / static_cast<double>(b.n);
  return test_of(b.rate() - a.rate(), rate * (1 - rate) * per_visitor);
}

bool has_small_cell(Proportion a, Proportion b) noexcept {
  return std::min({a.x, a.n - a.x, b.x, b.n - b.x}) < 10;
}

Interval newcombe(Proportion a, Proportion b, double z) {
  const auto ia = wilson(a, z), ib = wilson(b, z);
  const double diff = b.rate() - a.rate();
  return {diff - std::hypot(b.rate() - ib.low, ia.high - a.rate()),
          diff + std::hypot(ib.high - b.rate(), a.rate() - ia.low)};
}

double newcombe_p(Proportion a, Proportion b) {
  if (b.rate() == a.rate()) return 1;
  double inside = 0, outside = 40;  // as z: intervals that leave 0 out, and that hold it
  for (int i = 0; i < 100; ++i) {
    const double z = (inside + outside) / 2;
    (newcombe(a, b, z).contains(0) ? outside : inside) = z;
  }
  return two_sided_normal_p(inside);
}

double fisher_exact_p(Proportion a, Proportion b) {
  const auto converted = a.x + b.x;
  const auto next_by_this = [&](std::int64_t k) {  // k: conversions of a
    const auto up = static_cast<double>(converted - k) * static_cast<double>(a.n - k);
    return up / (static_cast<double>(k + 1) * static_cast<double>(b.n - converted + k + 1));
  };
  return exact_two_sided_p(std::max<std::int64_t>(0, converted - b.n), std::min(a.n, converted),
                           a.x, next_by_this);
}

}  // namespace manhattan::stats
