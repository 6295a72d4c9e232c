// SPDX-License-Identifier: MIT
// One arm of a test against its control: every number that a verdict rests on.
#pragma once

#include <optional>

#include "stats/interval.h"
#include "stats/lift.h"
#include "stats/proportions.h"
#include "stats/sequential.h"
#include "stats/values.h"

namespace manhattan::stats {

struct Rules {
  double alpha = 0.05;
  double planned = 5000;  ///< visitors of both arms at which the sequential interval is narrowest
};

/// b against a. p value, interval of the difference and interval of the lift are of one mind about
/// zero, and so are the sequential three; what the data does not tell is absent.
struct Comparison {
  double diff = 0;
  std::optional<double> se;   ///< absent: no variance at all
  std::optional<double> z;    ///< t of a mean
  std::optional<double> dof;  ///< of t
  double p_value = 1;
  std::optional<double> exact_p;  ///< Fisher's, where a cell is small
  std::optional<Interval> interval;
  std::optional<double> lift;  ///< absent: nothing to be better than
  std::optional<double> fieller_g;
  std::optional<Interval> lift_interval;
  std::optional<Sequential> sequential;
  std::optional<double> sequential_g;
  std::optional<Interval> sequential_lift;
};

/// n > 0 in both. With a small cell Newcombe's interval and Fisher's p: where one of them finds no
/// difference, neither does the other, nor the sequence: intervals then reach to 0, p to
/// Newcombe's.
Comparison compare(Proportion a, Proportion b, const Rules& rules);
/// Means per visitor; n > 1 in both.
Comparison compare(const Moments& a, const Moments& b, const Rules& rules);

}  // namespace manhattan::stats
