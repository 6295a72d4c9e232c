// SPDX-License-Identifier: MIT
// A split test judged: what every table, page and sentence about it says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/split_counts.h"
#include "stats/comparison.h"
#include "stats/ratio_mismatch.h"

namespace manhattan::report {

struct AnalysisOptions {
  double alpha = 0.05;
  std::optional<double> planned = {};       ///< visitors of all populations together
  std::optional<std::string> control = {};  ///< else `control`, `False`, or the first
  std::vector<double> weights = {};         ///< of the populations; empty: all alike
};

/// N* where nobody planned a number of visitors.
inline constexpr double kUsualPlan = 5000;

/// What is measured: the share of visitors who convert, or the value of a visitor or session.
enum class Measure { rate, per_visitor, per_session };

/// One population under one goal and measure; statistics that the data does not give are absent.
struct ArmAnalysis {
  std::optional<stats::Proportion> proportion;
  std::optional<stats::Estimate> estimate;
  std::optional<stats::Interval> interval;      ///< of the estimate
  std::optional<stats::Comparison> comparison;  ///< with the control; absent for itself
  std::optional<double> holm_p, holm_sequential_p;
  std::optional<double> best, loss;
};

struct GoalAnalysis {
  std::size_t goal = 0;  ///< its place in SplitCounts::goals
  Measure measure = Measure::rate;
  std::vector<ArmAnalysis> arms;  ///< as the populations
};

struct SplitAnalysis {
  SplitCounts counts;
  AnalysisOptions options;
  std::size_t control = 0;
  std::vector<GoalAnalysis> goals;  ///< a rate for each goal; a value too for those with squares
  std::optional<stats::RatioMismatch> mismatch;
};

/// ConfigError where the control is no population, or the weights don't match them.
SplitAnalysis analyse(SplitCounts counts, const AnalysisOptions& options);

/// What the intervals of all arms need, and a little more.
stats::Interval axis_of(const GoalAnalysis& goal);

/// The exact rows of `analysis` under `goal`.
inline const GoalCounts& counts_of(const SplitAnalysis& analysis, const GoalAnalysis& goal,
                                   std::size_t arm) {
  return analysis.counts.populations[arm].goals[goal.goal];
}

}  // namespace manhattan::report
