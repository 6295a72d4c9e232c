// SPDX-License-Identifier: MIT
// How many visitors a test needs.
#pragma once

namespace manhattan::stats {

struct Plan {
  double alpha = 0.05;
  double power = 0.8;
  double ratio = 1;  ///< visitors of b for one of a
};

/// Visitors of the control for a conversion goal.
struct RatePlan {
  double unpooled = 0;
  double pooled = 0;  ///< with the pooled variance under no effect
};

/// `rate` and rate * (1 + lift) between 0 and 1, lift not 0.
RatePlan visitors_for_rate(double rate, double lift, const Plan& plan);
/// The smallest lift above 0 that `per_arm` visitors of each show with that power.
double detectable_lift(double rate, double per_arm, const Plan& plan);

/// Visitors of each arm for a value goal, by the normal and by the noncentral t.
double visitors_for_mean(double sd, double delta, const Plan& plan);
double visitors_for_mean_by_t(double sd, double delta, const Plan& plan);
/// The smallest difference of means that `per_arm` visitors of each show with that power.
double detectable_difference(double sd, double per_arm, const Plan& plan);

}  // namespace manhattan::stats
