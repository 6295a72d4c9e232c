// SPDX-License-Identifier: MIT
#include "stats/planning.h"

#include <boost/math/distributions/non_central_t.hpp>
#include <cmath>

#include "stats/tails.h"

namespace manhattan::stats {
namespace {

double z_sum(const Plan& plan) {
  return normal_critical(plan.alpha) + normal_with_upper(1 - plan.power);
}

/// Power of the two-sided t test with `n` visitors an arm, by its upper tail.
double power_by_t(double n, double effect, double alpha) {
  const double dof = 2 * (n - 1);
  const boost::math::non_central_t away(dof, effect * std::sqrt(n / 2));
  return boost::math::cdf(boost::math::complement(away, student_critical(alpha, dof)));
}

}  // namespace

RatePlan visitors_for_rate(double rate, double lift, const Plan& plan) {
  const double k = plan.ratio, other = rate * (1 + lift), d = other - rate;
  const double unpooled = rate * (1 - rate) + other * (1 - other) / k;
  const double mean = (rate + k * other) / (1 + k);
  const double pooled = (1 + 1 / k) * mean * (1 - mean);
  const double top = normal_critical(plan.alpha) * std::sqrt(pooled) +
                     normal_with_upper(1 - plan.power) * std::sqrt(unpooled);
  return {z_sum(plan) * z_sum(plan) * unpooled / (d * d), top * top / (d * d)};
}

double detectable_lift(double rate, double per_arm, const Plan& plan) {
  double too_small = 0, enough = 1 / rate - 1;
  for (int i = 0; i < 200; ++i) {
    const double lift = (too_small + enough) / 2;
    (visitors_for_rate(rate, lift, plan).unpooled > per_arm ? too_small : enough) = lift;
  }
  return enough;
}

double visitors_for_mean(double sd, double delta, const Plan& plan) {
  const double z = z_sum(plan) * sd / delta;
  return 2 * z * z;
}

double visitors_for_mean_by_t(double sd, double delta, const Plan& plan) {
  const double effect = std::abs(delta) / sd;
  double too_few = 1, enough = 2 * visitors_for_mean(sd, delta, plan) + 100;
  for (int i = 0; i < 60; ++i) {
    const double n = (too_few + enough) / 2;
    (power_by_t(n, effect, plan.alpha) < plan.power ? too_few : enough) = n;
  }
  return enough;
}

double detectable_difference(double sd, double per_arm, const Plan& plan) {
  return z_sum(plan) * sd * std::sqrt(2 / per_arm);
}

}  // namespace manhattan::stats
