// SPDX-License-Identifier: MIT
// Whether visitors fell to the arms of a test in the proportions they should have.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace manhattan::stats {

/// Below this, a sample ratio mismatch is no chance.
inline constexpr double kMismatchAlarm = 0.0005;

struct RatioMismatch {
  double chi2 = 0;
  double dof = 0;      ///< arms of weight > 0, less one
  double p_value = 1;  ///< 0 where an arm of weight 0 has visitors
  /// While the test runs: Lindon and Malek, arXiv 2011.03567.
  double log_bayes_factor = 0, sequential_p = 1;
  std::optional<double> binomial_p;  ///< exact, where two arms have weight
  double least_expected = 0;

  /// Chi squared says nothing where a cell expects fewer than 5.
  bool is_alarm() const noexcept {
    return (p_value < kMismatchAlarm && least_expected >= 5) || sequential_p < kMismatchAlarm;
  }
};

/// As many weights as arms, none negative, at least two above 0; they need not add up to 1.
RatioMismatch ratio_mismatch(const std::vector<std::int64_t>& observed,
                             const std::vector<double>& weights);

}  // namespace manhattan::stats
