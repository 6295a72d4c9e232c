// SPDX-License-Identifier: MIT
#include "stats/exact_tail.h"

#include <algorithm>

namespace manhattan::stats {
namespace {

// Outcomes as probable as the observed one differ from it by rounding only.
constexpr double kEqual = 1 + 1e-7;
// What is less probable than this share of the peak adds nothing to 17 digits.
constexpr double kNothing = 1e-300;

/// The most probable outcome: from there on the ratio is below 1.
std::int64_t peak_of(std::int64_t first, std::int64_t last,
                     const std::function<double(std::int64_t)>& next_by_this) {
  while (first < last) {
    const auto middle = first + (last - first) / 2;
    if (next_by_this(middle) >= 1) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

}  // namespace

double exact_two_sided_p(std::int64_t first, std::int64_t last, std::int64_t observed,
                         const std::function<double(std::int64_t)>& next_by_this) {
  const auto peak = peak_of(first, last, next_by_this);
  double limit = 1;  // probability of the observed outcome, in units of the peak's
  for (auto k = peak; k < observed && limit > 0; ++k) limit *= next_by_this(k);
  for (auto k = peak; k > observed && limit > 0; --k) limit /= next_by_this(k - 1);
  double all = 0, extreme = 0;
  const auto add = [&](double weight) {
    all += weight;
    if (weight <= limit * kEqual) extreme += weight;
  };
  double weight = 1;
  for (auto k = peak; k <= last && weight > kNothing; weight *= next_by_this(k++)) add(weight);
  weight = 1;
  for (auto k = peak; k-- > first && weight > kNothing;) add(weight /= next_by_this(k));
  return std::min(1.0, extreme / all);
}

}  // namespace manhattan::stats
