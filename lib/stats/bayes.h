// SPDX-License-Identifier: MIT
// What is probable after the data: which arm is best, and what choosing it may cost.
#pragma once

#include <functional>
#include <vector>

#include "stats/interval.h"
#include "stats/lift.h"
#include "stats/proportions.h"

namespace manhattan::stats {

/// What is believed of one arm's rate or mean.
struct Posterior {
  double mean = 0;
  std::function<double(double)> density;
  std::function<double(double)> below;  ///< distribution function
  /// Where it lies, ascending, from the lower to the upper 1e-17 tail: quadrature is cut there.
  std::vector<double> marks;
};

/// Beta, from a uniform prior.
Posterior posterior_of(Proportion p);
/// Normal, from a flat prior; variance > 0.
Posterior posterior_of(const Estimate& estimate);

/// Equal-tailed interval of a rate.
Interval credible_rate(Proportion p, double alpha);
/// Equal-tailed interval of b / a - 1.
Interval credible_lift(Proportion a, Proportion b, double alpha);

/// For each arm the probability that it is the best.
std::vector<double> probability_best(const std::vector<Posterior>& arms);
/// For each arm what choosing it loses, on average, against the best of the others.
std::vector<double> expected_loss(const std::vector<Posterior>& arms);

/// The relative effect of b as a normal: for value goals.
struct RelativeEffect {
  double lift = 0, sd = 0;
  double chance_to_win = 0;
  Interval credible;
  double loss_choosing_b = 0, loss_choosing_a = 0;
};

RelativeEffect relative_effect(const Estimate& a, const Estimate& b, double alpha);
/// The same after a prior N(0, prior_sd^2).
RelativeEffect with_prior(const RelativeEffect& effect, double prior_sd, double alpha);

}  // namespace manhattan::stats
