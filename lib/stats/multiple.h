// SPDX-License-Identifier: MIT
// p values of several questions asked at once, each in its place.
#pragma once

#include <vector>

namespace manhattan::stats {

/// Holm: the chance of one false alarm in all of them is kept. For questions named beforehand.
std::vector<double> holm(const std::vector<double>& p_values);
/// Benjamini and Hochberg: the share of false ones among the alarms is kept. For exploring.
std::vector<double> benjamini_hochberg(const std::vector<double>& p_values);
std::vector<double> bonferroni(const std::vector<double>& p_values);

}  // namespace manhattan::stats
