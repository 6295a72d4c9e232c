// SPDX-License-Identifier: MIT
#include "stats/lift.h"

#include <cmath>

#include "stats/tails.h"

namespace manhattan::stats {

Estimate estimate_of(Proportion p) noexcept { return {p.rate(), p.variance()}; }

std::optional<Fieller> fieller(const Estimate& a, const Estimate& b, double c) {
  if (!(a.mean > 0)) return std::nullopt;
  Fieller result{.g = c * c * a.variance / (a.mean * a.mean), .interval = {}};
  if (result.g >= 1) return result;
  const double ratio = b.mean / a.mean;
  const double under_root = b.variance + ratio * ratio * a.variance - result.g * b.variance;
  const double half = c / a.mean * std::sqrt(std::max(0.0, under_root));
  result.interval =
      Interval{(ratio - half) / (1 - result.g) - 1, (ratio + half) / (1 - result.g) - 1};
  return result;
}

double delta_lift_se(const Estimate& a, const Estimate& b) noexcept {
  const double ratio = b.mean / a.mean;
  return std::sqrt(b.variance + ratio * ratio * a.variance) / std::abs(a.mean);
}

Interval katz(Proportion a, Proportion b, double z) noexcept {
  const double ratio = b.rate() / a.rate();
  const double se = std::sqrt((1 - a.rate()) / static_cast<double>(a.x) +
                              (1 - b.rate()) / static_cast<double>(b.x));
  return {ratio * std::exp(-z * se) - 1, ratio * std::exp(z * se) - 1};
}

Guardrail guardrail(const Estimate& a, const Estimate& b, double margin, double alpha, double dof) {
  Guardrail result{.lift = b.mean / a.mean - 1, .se = delta_lift_se(a, b)};
  result.t = (result.lift - margin) / result.se;
  result.p_value = student_above(result.t, dof);
  result.lower = result.lift - student_with_upper(alpha, dof) * result.se;
  return result;
}

}  // namespace manhattan::stats
