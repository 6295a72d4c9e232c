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
  std::optional<stats::Interval> interval;  ///< absent: nothing is drawn
  double estimate = 0;
};

/// Ranges along one axis.
struct Panel {
  std::string title;
  stats::Interval ends;
  std::string low, high;       ///< what stands above the ends
  std::optional<double> mark;  ///< a value that is drawn through all lines, as `0`
  std::vector<Range> lines;
};

/// A line a name: its range in each panel, as `├──●──┤`. The panels stand side by side where
/// `width` (0: 80) has room for that, else one below the other, and not at all where it has none.
std::string ranges(const std::vector<std::string>& names, const std::vector<Panel>& panels,
                   std::size_t width);

}  // namespace manhattan::report
