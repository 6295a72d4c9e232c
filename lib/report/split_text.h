// SPDX-License-Identifier: MIT
// A judged split test in each format.
#pragma once

#include <string>

#include "report/fields.h"
#include "report/split_analysis.h"
#include "report/table.h"

namespace manhattan::report {

/// For eyes: a table a goal, with what it means below.
std::string split_text(const SplitAnalysis& analysis, const Style& style);

/// Rows of manhattan-query(1), OUTPUT, `results`: one for each population and goal.
Table split_rows(const SplitAnalysis& analysis);

/// Every number that was made of one arm against the control, under the names of the reference;
/// see manhattan-query(1), STATISTICS.
Fields comparison_fields(const SplitAnalysis& analysis, const GoalAnalysis& goal, std::size_t arm);
/// All arms of all goals but the controls.
std::vector<Fields> all_comparisons(const SplitAnalysis& analysis);

Fields mismatch_fields(const stats::RatioMismatch& mismatch);

}  // namespace manhattan::report
