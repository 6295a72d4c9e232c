// SPDX-License-Identifier: MIT
// How much better b is than a, in parts of a.
#pragma once

#include <optional>

#include "stats/interval.h"
#include "stats/proportions.h"

namespace manhattan::stats {

/// A mean and the variance of that mean.
struct Estimate {
  double mean = 0;
  double variance = 0;
};

Estimate estimate_of(Proportion p) noexcept;

/// Fieller's interval of b / a - 1, which leaves 0 out if and only if b - a +- c se does. The
/// delta method's does not, and covers too little.
struct Fieller {
  double g = 0;
  std::optional<Interval> interval;  ///< none where a can't be told from 0: g >= 1
};

/// `c`: the multiplier of the standard error. Nothing where a's mean is not above 0.
std::optional<Fieller> fieller(const Estimate& a, const Estimate& b, double c);

/// Standard error of the lift by the delta method: for posteriors and guardrails, not to decide.
double delta_lift_se(const Estimate& a, const Estimate& b) noexcept;

/// The interval of Katz, by the logarithm of the ratio; needs conversions in both.
Interval katz(Proportion a, Proportion b, double z) noexcept;

/// One-sided: whether b's lift stays above `margin`, such as -0.05.
struct Guardrail {
  double lift = 0, se = 0, t = 0, p_value = 1;
  double lower = 0;  ///< bound of level 1 - alpha

  bool holds(double margin) const noexcept { return lower > margin; }
};

Guardrail guardrail(const Estimate& a, const Estimate& b, double margin, double alpha, double dof);

}  // namespace manhattan::stats
