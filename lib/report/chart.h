// SPDX-License-Identifier: MIT
// Inline SVG that stretches to the width it is given; numbers stand beside it as text.
#pragma once

#include <string>
#include <vector>

#include "report/plot.h"
#include "stats/interval.h"

namespace manhattan::report {

/// Bars over time, with the largest value and the first and last label as text.
std::string series_chart(const std::vector<PlotPoint>& points);

/// One bar of `value`, where `most` is the full width.
std::string bar_chart(double value, double most);

/// An interval with its estimate, on an axis from `axis.low` to `axis.high`.
std::string range_chart(const stats::Interval& interval, double estimate,
                        const stats::Interval& axis, const std::string& label);

}  // namespace manhattan::report
