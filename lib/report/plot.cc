// SPDX-License-Identifier: MIT
#include "report/plot.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/numbers.h"
#include "report/width.h"

namespace manhattan::report {
namespace {

constexpr std::size_t kRows = 10;
constexpr std::size_t kDots = 4;  // of braille, one above the other
constexpr std::size_t kUsualWidth = 80, kLeastWidth = 30;

/// A few digits times a power of ten, so that the axis and its middle have round numbers.
double round_up(double most) {
  const double power = std::pow(10, std::floor(std::log10(most)));
  for (const double step : {1.0, 2.0, 3.0, 4.0, 6.0, 8.0}) {
    if (most <= step * power) return step * power;
  }
  return 10 * power;
}

/// One value for each column of dots: as many as there are points, or fewer.
std::vector<double> columns_of(const std::vector<PlotPoint>& points, std::size_t most) {
  const std::size_t count = std::min(points.size(), most);
  std::vector<double> columns;
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = i * points.size() / count, to = (i + 1) * points.size() / count;
    double sum = 0;
    for (auto j = from; j < to; ++j) sum += points[j].value;
    columns.push_back(sum / static_cast<double>(to - from));
  }
  return columns;
}

/// Dots of a column that is `filled` dots high, in the row that begins at dot `base`.
unsigned dots_in_row(std::size_t filled, std::size_t base, bool is_left) {
  // Braille's bits from the bottom up.
  constexpr unsigned kLeft[] = {0x40, 0x04, 0x02, 0x01}, kRight[] = {0x80, 0x20, 0x10, 0x08};
  unsigned bits = 0;
  for (std::size_t i = 0; i < kDots && base + i < filled; ++i) {
    bits |= is_left ? kLeft[i] : kRight[i];
  }
  return bits;
}

struct Drawing {
  std::vector<std::size_t> heights;  ///< in dots
  std::size_t dots_wide = 1;         ///< of each bar

  std::size_t height_at(std::size_t dot) const {
    const auto bar = dot / dots_wide;
    // One dot between bars that are wide enough to have room for it.
    if (dots_wide > 2 && dot % dots_wide == dots_wide - 1) return 0;
    return bar < heights.size() ? heights[bar] : 0;
  }
  std::string row(std::size_t base) const {
    std::string text;
    for (std::size_t dot = 0; dot < heights.size() * dots_wide; dot += 2) {
      const auto bits =
          dots_in_row(height_at(dot), base, true) | dots_in_row(height_at(dot + 1), base, false);
      base::append_utf8(0x2800 + bits, text);
    }
    return text;
  }
  std::size_t columns() const { return (heights.size() * dots_wide + 1) / 2; }
};

Drawing drawing_of(const std::vector<PlotPoint>& points, std::size_t columns, double top) {
  Drawing drawing;
  const auto values = columns_of(points, columns * 2);
  drawing.dots_wide = std::min<std::size_t>(columns * 2 / values.size(), 8);
  for (const double value : values) {
    const double height = std::max(0.0, value) / top * static_cast<double>(kRows * kDots);
    // What is above 0 shows, be it ever so small.
    drawing.heights.push_back(
        static_cast<std::size_t>(value > 0 ? std::max(1.0, std::round(height)) : 0));
  }
  return drawing;
}

std::string axis_number(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15
             ? grouped(static_cast<std::int64_t>(value))
             : shown(value, Unit::plain);
}

/// The first label at the left, the last at the right, and one between where there is room.
std::string axis_labels(const std::vector<PlotPoint>& points, std::size_t columns) {
  const auto first = printable(points.front().label), last = printable(points.back().label);
  const auto middle = printable(points[points.size() / 2].label);
  std::string line = first;
  const auto put = [&](const std::string& label, std::size_t at) {
    const auto used = width_of(line);
    if (used + 2 > at) return;
    line += std::string(at - used, ' ') + label;
  };
  if (points.size() > 4) put(middle, columns / 2 - std::min(columns / 2, width_of(middle) / 2));
  const auto width = width_of(last);
  if (points.size() > 1) put(last, columns > width ? columns - width : 0);
  return line;
}

}  // namespace

std::string plot(const std::string& title, const std::vector<PlotPoint>& points,
                 std::size_t width) {
  double most = 0;
  for (const auto& point : points) most = std::max(most, point.value);
  if (points.empty() || !(most > 0) || !std::isfinite(most)) {
    return printable(title) + ": nothing to draw\n";
  }
  const double top = round_up(most);
  const std::string labels[] = {axis_number(top), axis_number(top / 2), "0"};
  std::size_t margin = 0;
  for (const auto& label : labels) margin = std::max(margin, label.size());
  const auto whole = std::max(width == 0 ? kUsualWidth : width, kLeastWidth);
  const auto drawing = drawing_of(points, whole - margin - 2, top);
  std::string text = printable(title) + "\n";
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto label = i == 0 ? labels[0] : i == kRows / 2 ? labels[1] : "";
    text += std::string(margin - label.size(), ' ') + label + (label.empty() ? " │" : " ┤");
    text += drawing.row((kRows - 1 - i) * kDots) + "\n";
  }
  text += std::string(margin - 1, ' ') + "0 └";
  for (std::size_t i = 0; i < drawing.columns(); ++i) text += "─";
  text += "\n" + std::string(margin + 2, ' ') + axis_labels(points, drawing.columns()) + "\n";
  return text;
}

}  // namespace manhattan::report
