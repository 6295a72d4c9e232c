// SPDX-License-Identifier: MIT
// Conversion rates and their difference.
#pragma once

#include <cstdint>

#include "stats/interval.h"

namespace manhattan::stats {

/// `x` of `n` visitors converted; 0 <= x <= n. Rates need n > 0.
struct Proportion {
  std::int64_t n = 0;
  std::int64_t x = 0;

  double rate() const noexcept { return static_cast<double>(x) / static_cast<double>(n); }
  /// Of the rate.
  double variance() const noexcept { return rate() * (1 - rate()) / static_cast<double>(n); }
};

/// Intervals of one rate. Wilson's by its z; its end is exactly 0 or 1 where x is 0 or n.
Interval wilson(Proportion p, double z);
Interval clopper_pearson(Proportion p, double alpha);

/// A difference b - a over its standard error.
struct ZTest {
  double diff = 0;
  double se = 0;
  double z = 0;  ///< not finite where se is 0
  double p_value = 1;
};

ZTest unpooled_test(Proportion a, Proportion b) noexcept;
ZTest pooled_test(Proportion a, Proportion b) noexcept;

/// Whether one of the four cells has fewer than 10 visitors, so that the normal is no model.
bool has_small_cell(Proportion a, Proportion b) noexcept;

/// Newcombe's hybrid score interval of b - a (his method 10), which holds for small cells.
Interval newcombe(Proportion a, Proportion b, double z);
/// The alpha at which Newcombe's interval has 0 at its end.
double newcombe_p(Proportion a, Proportion b);
/// Fisher's exact test, two-sided: all tables with the same margins that are no more probable.
double fisher_exact_p(Proportion a, Proportion b);

}  // namespace manhattan::stats
