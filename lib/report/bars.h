// SPDX-License-Identifier: MIT
// Numbers to compare, drawn in the terminal from left to right.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "report/plot.h"
#include "stats/interval.h"

namespace manhattan::report {

/// A line a point: its name, a bar, its number; `width` columns wide (0: 80).
std::string bars(const std::string& title, const std::vector<PlotPoint>& points, std::size_t width);

/// An estimate within its interval.
struct Range {
  std::string name;
  std::optional<stats::Interval> interval;  ///< absent: nothing is drawn
  double estimate = 0;
};

/// What all ranges share; its ends stand above them as `low` and `high`.
struct Axis {
  stats::Interval ends;
  std::string low, high;
};

/// A line a range: its name and `├──●──┤`.
std::string ranges(const Axis& axis, const std::vector<Range>& lines, std::size_t width);

}  // namespace manhattan::report
