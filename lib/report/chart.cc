// SPDX-License-Identifier: MIT
#include "report/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "report/numbers.h"
#include "report/page.h"

namespace manhattan::report {
namespace {

/// A coordinate with two places.
std::string at(double number) {
  char text[40];
  std::snprintf(text, sizeof text, "%.2f", std::isfinite(number) ? number : 0.0);
  return text;
}

/// `says` is shown where the reader points at it.
std::string rectangle(double x, double y, double width, double height,
                      const std::string& says = "") {
  const auto end = says.empty() ? "/>" : "><title>" + escaped(says) + "</title></rect>";
  return "<rect x=\"" + at(x) + "\" y=\"" + at(y) + "\" width=\"" + at(width) + "\" height=\"" +
         at(height) + "\" fill=\"currentColor\"" + end;
}

std::string svg(const std::string& class_name, const std::string& label,
                const std::string& inside) {
  return "<svg class=\"" + class_name + "\" viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" " +
         "role=\"img\" aria-label=\"" + escaped(label) + "\">" + inside + "</svg>";
}

std::string whole(double value) { return grouped(static_cast<std::int64_t>(value)); }

}  // namespace

std::string series_chart(const std::vector<PlotPoint>& points) {
  double most = 0;
  for (const auto& point : points) most = std::max(most, point.value);
  if (points.empty() || !(most > 0)) return "<p class=\"soft\">nothing yet</p>";
  const double step = 100 / static_cast<double>(points.size());
  std::string bars;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double height = 100 * points[i].value / most;
    const double width = std::min(step * 0.85, 12.0);
    const double left = static_cast<double>(i) * step + (step - width) / 2;
    bars += rectangle(left, 100 - height, width, height,
                      points[i].label + ": " + whole(points[i].value));
  }
  const auto label =
      "from " + points.front().label + " to " + points.back().label + ", at most " + whole(most);
  std::string text =
      "<p class=\"soft\">at most " + whole(most) + "</p>" + svg("series", label, bars);
  text += "<p class=\"axis\"><span>" + escaped(points.front().label) + "</span>";
  if (points.size() > 1) text += "<span>" + escaped(points.back().label) + "</span>";
  return text + "</p>";
}

std::string bar_chart(double value, double most) {
  return svg("bar", whole(value), rectangle(0, 0, most > 0 ? 100 * value / most : 0, 100));
}

std::string range_chart(const stats::Interval& interval, double estimate,
                        const stats::Interval& axis, const std::string& label) {
  const double scale = axis.high > axis.low ? 100 / (axis.high - axis.low) : 0;
  const auto place = [&](double value) {
    return std::clamp((value - axis.low) * scale, 0.0, 100.0);
  };
  const double low = place(interval.low), high = place(interval.high);
  return svg("range", label,
             rectangle(low, 40, std::max(high - low, 0.5), 20) +
                 rectangle(std::clamp(place(estimate) - 0.6, 0.0, 98.8), 10, 1.2, 80));
}

}  // namespace manhattan::report
