// SPDX-License-Identifier: MIT
// Tests that may be looked at every day, and stopped on the day they show something.
#pragma once

#include <cstdint>

#include "stats/interval.h"

namespace manhattan::stats {

/// An always valid confidence sequence of a difference (Waudby-Smith and others, arXiv 2103.06476).
struct Sequential {
  double rho = 0;
  double multiplier = 0;  ///< of the standard error: `c` for the lift's Fieller interval
  double half_width = 0;
  double p_value = 1;
  Interval interval;
};

/// `visitors`: of both arms. `planned`: at how many the sequence is narrowest, fixed beforehand.
/// alpha < 0.6, se > 0.
Sequential sequential(double diff, double se, std::int64_t visitors, double alpha, double planned);

/// The older mixture test of two equal arms with an effect drawn from N(0, tau^2).
struct MixtureTest {
  double likelihood_ratio = 0, p_value = 1;
  Interval interval;
};

/// `variance`: of one visitor of a plus one of b.
MixtureTest mixture_test(double diff, double variance, std::int64_t per_arm, double tau,
                         double alpha);

/// How often a test without effect looks significant at least once, when it is looked at `looks`
/// times, equally spaced, at level `alpha` each time.
double false_alarms_of_looking(int looks, double alpha);

}  // namespace manhattan::stats
