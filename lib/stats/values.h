// SPDX-License-Identifier: MIT
// Goals with values: means per visitor from exact sums.
#pragma once

#include <cstdint>

#include "base/decimal.h"
#include "stats/interval.h"
#include "stats/lift.h"

namespace manhattan::stats {

/// Visitors, the mean of their values and the variance of one visitor's value.
struct Moments {
  std::int64_t n = 0;
  double mean = 0;
  double variance = 0;  ///< 0 where n < 2

  Estimate estimate() const noexcept { return {mean, variance / static_cast<double>(n)}; }
};

/// n > 0. From a sum and a sum of squares, with no digit lost before the last division.
Moments moments_of(std::int64_t n, Decimal sum, Decimal squares);
/// The same in millionths, and squares of millionths, as a store keeps them.
Moments moments_of_micros(std::int64_t n, __int128 sum, __int128 squares);
/// Those of two groups together (Chan, Golub and LeVeque).
Moments merged(const Moments& a, const Moments& b) noexcept;

/// Two measures of the same visitors, with the sum of their products.
struct PairSums {
  std::int64_t n = 0;
  Decimal y, yy, x, xx, xy;
};

/// Sample variances and covariance of a pair.
struct PairMoments {
  std::int64_t n = 0;
  double mean_y = 0, mean_x = 0, var_y = 0, var_x = 0, cov = 0;
};

PairMoments moments_of(const PairSums& sums);

/// y / x where the visitor is the unit: value per session.
Estimate ratio_of(const PairMoments& pair) noexcept;
/// Variance of the ratio as if of one visitor.
double ratio_variance(const PairMoments& pair) noexcept;

/// y freed of what x, measured before the test, explains (CUPED).
struct Adjusted {
  double theta = 0;
  Moments a, b;
};
Adjusted without_covariate(const PairMoments& a, const PairMoments& b) noexcept;

/// b - a with Welch's t.
struct Welch {
  double diff = 0, se = 0, t = 0, dof = 0, p_value = 1;
  double critical = 0;  ///< multiplier of se at alpha
  Interval interval;
};

/// Satterthwaite's degrees of freedom.
double welch_dof(const Moments& a, const Moments& b) noexcept;
/// Both n > 1 and not both variances 0.
Welch welch(const Moments& a, const Moments& b, double alpha);

}  // namespace manhattan::stats
