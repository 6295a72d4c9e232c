// SPDX-License-Identifier: MIT
#include "stats/values.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>

#include "stats/tails.h"

namespace manhattan::stats {
namespace {

// n * sum of squares exceeds 128 bits, and a double would lose what a variance is made of.
using Wide = boost::multiprecision::int512_t;

/// (xy - x y / n) / (n - 1) where x and y are in 1 / `scale`, xy in 1 / `square_scale`.
double centred(std::int64_t n, const Wide& x, const Wide& y, const Wide& xy, std::int64_t scale,
               std::int64_t square_scale) {
  if (n < 2) return 0;
  const Wide all = scale, squared = square_scale;
  const Wide top = xy * n * all * all - x * y * squared;
  const Wide bottom = Wide(n) * (n - 1) * all * all * squared;
  return static_cast<double>(top.convert_to<long double>() / bottom.convert_to<long double>());
}

constexpr std::int64_t kNanos = 1'000'000'000, kMicros = 1'000'000;

double centred(std::int64_t n, Decimal x, Decimal y, Decimal xy) {
  return centred(n, Wide(x.units()), Wide(y.units()), Wide(xy.units()), kNanos, kNanos);
}

double mean_of(std::int64_t n, Decimal sum) {
  return static_cast<double>(static_cast<long double>(sum.units()) /
                             (static_cast<long double>(n) * kNanos));
}

}  // namespace

Moments moments_of(std::int64_t n, Decimal sum, Decimal squares) {
  return {n, mean_of(n, sum), std::max(0.0, centred(n, sum, sum, squares))};
}

Moments moments_of_micros(std::int64_t n, __int128 sum, __int128 squares) {
  const double variance =
      centred(n, Wide(sum), Wide(sum), Wide(squares), kMicros, kMicros * kMicros);
  const auto mean = static_cast<long double>(sum) / (static_cast<long double>(n) * kMicros);
  return {n, static_cast<double>(mean), std::max(0.0, variance)};
}

Moments merged(const Moments& a, const Moments& b) noexcept {
  const auto na = static_cast<double>(a.n), nb = static_cast<double>(b.n), n = na + nb;
  const double apart = b.mean - a.mean;
  const double squares =
      a.variance * (na - 1) + b.variance * (nb - 1) + apart * apart * na * nb / n;
  return {a.n + b.n, a.mean + apart * nb / n, squares / (n - 1)};
}

PairMoments moments_of(const PairSums& sums) {
  return {.n = sums.n,
          .mean_y = mean_of(sums.n, sums.y),
          .mean_x = mean_of(sums.n, sums.x),
          .var_y = centred(sums.n, sums.y, sums.y, sums.yy),
          .var_x = centred(sums.n, sums.x, sums.x, sums.xx),
          .cov = centred(sums.n, sums.y, sums.x, sums.xy)};
}

double ratio_variance(const PairMoments& pair) noexcept {
  const double ratio = pair.mean_y / pair.mean_x;
  return (pair.var_y + ratio * ratio * pair.var_x - 2 * ratio * pair.cov) /
         (pair.mean_x * pair.mean_x);
}

Estimate ratio_of(const PairMoments& pair) noexcept {
  return {pair.mean_y / pair.mean_x, ratio_variance(pair) / static_cast<double>(pair.n)};
}

Adjusted without_covariate(const PairMoments& a, const PairMoments& b) noexcept {
  const auto na = static_cast<double>(a.n), nb = static_cast<double>(b.n), n = na + nb;
  const auto pooled = [&](double of_a, double of_b, double apart) {
    return (of_a * (na - 1) + of_b * (nb - 1) + apart * na * nb / n) / (n - 1);
  };
  const double apart_x = b.mean_x - a.mean_x, apart_y = b.mean_y - a.mean_y;
  const double theta =
      pooled(a.cov, b.cov, apart_x * apart_y) / pooled(a.var_x, b.var_x, apart_x * apart_x);
  const auto adjust = [&](const PairMoments& pair) {
    return Moments{pair.n, pair.mean_y - theta * pair.mean_x,
                   pair.var_y + theta * theta * pair.var_x - 2 * theta * pair.cov};
  };
  return {theta, adjust(a), adjust(b)};
}

double welch_dof(const Moments& a, const Moments& b) noexcept {
  const double va = a.estimate().variance, vb = b.estimate().variance;
  return (va + vb) * (va + vb) /
         (va * va / static_cast<double>(a.n - 1) + vb * vb / static_cast<double>(b.n - 1));
}

Welch welch(const Moments& a, const Moments& b, double alpha) {
  Welch result{.diff = b.mean - a.mean, .dof = welch_dof(a, b), .interval = {}};
  result.se = std::sqrt(a.estimate().variance + b.estimate().variance);
  result.t = result.diff / result.se;
  result.p_value = two_sided_student_p(result.t, result.dof);
  result.critical = student_critical(alpha, result.dof);
  const double half = result.critical * result.se;
  result.interval = {result.diff - half, result.diff + half};
  return result;
}

}  // namespace manhattan::stats
