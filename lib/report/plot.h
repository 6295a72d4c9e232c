// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace manhattan::report {

struct PlotPoint {
  std::string label;  ///< of the bucket
  double value = 0;
};

/// Bars of braille dots over an axis of labels, `width` columns wide (0: 80), each line ended;
/// one line of text where there is nothing to draw. More points than columns: each bar is the
/// mean of several.
std::string plot(const std::string& title, const std::vector<PlotPoint>& points, std::size_t width);

}  // namespace manhattan::report
