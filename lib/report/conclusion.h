// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "report/split_analysis.h"

namespace manhattan::report {

/// Where one arm stands against the control, under the one rule of manhattan-query(1).
enum class Verdict {
  unknown,    ///< no data to judge by
  better,     ///< shown, and may be acted on
  worse,      ///< likewise
  too_early,  ///< would be shown if the test ended here, but it was planned to end later
  if_over,    ///< shown if the test was planned to end here, which nobody said
  nothing,    ///< the planned number is reached, and nothing is shown
  go_on,      ///< nothing is shown yet
};

Verdict verdict_of(const SplitAnalysis& analysis, const ArmAnalysis& arm);
/// One or two words, for a column.
std::string shown(Verdict verdict);

/// One sentence a goal and arm: what may be concluded, and how long to go on.
std::string conclusion(const SplitAnalysis& analysis, const GoalAnalysis& goal, std::size_t arm);

/// What makes all of it doubtful, and what was left out; a sentence each.
std::vector<std::string> warnings(const SplitAnalysis& analysis);
std::vector<std::string> left_out(const SplitAnalysis& analysis);

/// What the columns mean, for who is no statistician.
std::string legend(double alpha);

/// `Order Placed`, with the measure where that is not the rate.
std::string title_of(const SplitAnalysis& analysis, const GoalAnalysis& goal);

}  // namespace manhattan::report
