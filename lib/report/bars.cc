// SPDX-License-Identifier: MIT
#include "report/bars.h"

#include <algorithm>
#include <cmath>

#include "report/numbers.h"
#include "report/width.h"

namespace manhattan::report {
namespace {

constexpr std::size_t kUsualWidth = 80, kLeastWidth = 30, kMostRange = 60;

std::size_t room_in(std::size_t width) {
  return std::max(width == 0 ? kUsualWidth : width, kLeastWidth);
}

std::string padded(const std::string& text, std::size_t columns) {
  auto cut = clipped(text, columns);
  const auto used = std::min(columns, width_of(cut));
  return cut.append(columns - used, ' ');
}

/// As wide as the widest, at most a third of the room.
std::size_t widest_of(const std::vector<std::string>& names, std::size_t room) {
  std::size_t widest = 0;
  for (const auto& name : names) widest = std::max(widest, width_of(name));
  return std::min(widest, room / 3);
}

/// `value` of `most` as blocks, the last one in eighths.
std::string bar(double value, double most, std::size_t columns) {
  const char* const kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double length = std::clamp(value / most, 0.0, 1.0) * static_cast<double>(columns * 8);
  auto eighths = static_cast<std::size_t>(std::lround(length));
  if (value > 0) eighths = std::max<std::size_t>(eighths, 1);  // what is above 0 shows
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + kEighths[eighths % 8];
}

/// `├──●──┤` from column `low` to `high`.
std::string drawn(std::size_t low, std::size_t estimate, std::size_t high) {
  std::string text(low, ' ');
  for (auto i = low; i <= high; ++i) {
    text += i == estimate ? "●" : i == low ? "├" : i == high ? "┤" : "─";
  }
  return text;
}

}  // namespace

std::string bars(const std::string& title, const std::vector<PlotPoint>& points,
                 std::size_t width) {
  double most = 0;
  std::vector<std::string> names;
  for (const auto& point : points) {
    most = std::max(most, point.value);
    names.push_back(point.label.empty() ? "(none)" : printable(point.label));
  }
  if (!(most > 0) || !std::isfinite(most)) return printable(title) + ": nothing to draw\n";
  const auto number_of = [](double value) { return grouped(static_cast<std::int64_t>(value)); };
  const auto room = room_in(width), name_columns = widest_of(names, room);
  const auto taken = name_columns + number_of(most).size() + 2;
  const auto columns = room > taken ? room - taken : 1;
  std::string text = printable(title) + "\n";
  for (std::size_t i = 0; i < points.size(); ++i) {
    text += padded(names[i], name_columns) + " " + bar(points[i].value, most, columns) + " " +
            number_of(points[i].value) + "\n";
  }
  return text;
}

std::string ranges(const Axis& axis, const std::vector<Range>& lines, std::size_t width) {
  std::vector<std::string> names;
  for (const auto& line : lines) names.push_back(printable(line.name));
  const auto room = room_in(width), name_columns = widest_of(names, room);
  const auto columns = std::min(kMostRange, room - name_columns - 2);
  const double span = axis.ends.high - axis.ends.low;
  const auto place = [&](double value) {
    const double part = span > 0 ? std::clamp((value - axis.ends.low) / span, 0.0, 1.0) : 0.5;
    return static_cast<std::size_t>(std::lround(part * static_cast<double>(columns - 1)));
  };
  const auto gap = columns - std::min(columns, axis.low.size() + axis.high.size());
  auto text = std::string(name_columns + 2, ' ') + axis.low + std::string(gap, ' ') + axis.high;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += "\n" + padded(names[i], name_columns);
    const auto& interval = lines[i].interval;
    if (!interval) continue;
    text += "  " + drawn(place(interval->low), place(lines[i].estimate), place(interval->high));
  }
  return text + "\n";
}

}  // namespace manhattan::report
