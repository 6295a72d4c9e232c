// SPDX-License-Identifier: MIT
#include "report/bars.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "report/numbers.h"
#include "report/width.h"

namespace manhattan::report {
namespace {

constexpr std::size_t kUsualWidth = 80, kLeastWidth = 30;
// Columns of a panel: at most, beside others, alone.
constexpr std::size_t kMostRange = 60, kLeastBeside = 24, kLeastRange = 16;
constexpr std::size_t kGap = 2;

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

/// A panel of so many columns.
class Drawing {
 public:
  Drawing(const Panel& panel, std::size_t columns) : panel_(panel), columns_(columns) {}

  std::string title() const { return padded(panel_.title, columns_); }

  /// The ends' names and the mark's, where there is room between.
  std::string axis() const {
    const auto used = std::min(columns_, panel_.low.size() + panel_.high.size());
    auto text = panel_.low + std::string(columns_ - used, ' ') + panel_.high;
    const auto mark = panel_.mark ? place(*panel_.mark) : 0;
    const bool has_room = mark > panel_.low.size() && mark + 1 + panel_.high.size() < columns_;
    if (has_room) text[mark] = '0';
    return text;
  }

  std::string line(const Range& range) const {
    std::vector<const char*> cells(columns_, " ");
    if (panel_.mark) cells[place(*panel_.mark)] = "│";
    if (range.interval) draw(range, cells);
    std::string text;
    for (const auto* cell : cells) text += cell;
    return text;
  }

 private:
  std::size_t place(double value) const {
    const double span = panel_.ends.high - panel_.ends.low;
    const double part = span > 0 ? std::clamp((value - panel_.ends.low) / span, 0.0, 1.0) : 0.5;
    return static_cast<std::size_t>(std::lround(part * static_cast<double>(columns_ - 1)));
  }

  void draw(const Range& range, std::vector<const char*>& cells) const {
    const auto low = place(range.interval->low), high = place(range.interval->high);
    for (auto i = low; i <= high; ++i) cells[i] = *cells[i] == ' ' ? "─" : "┼";
    cells[low] = "├";
    cells[high] = "┤";
    cells[place(range.estimate)] = "●";
  }

  const Panel& panel_;
  const std::size_t columns_;
};

std::string trimmed(const std::string& line) {
  return line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
}

std::string beside(const std::vector<std::string>& names, std::size_t name_columns,
                   std::span<const Panel> panels, std::size_t columns) {
  const std::string gap(kGap, ' ');
  std::string titles(name_columns, ' '), axes = titles;
  std::vector<std::string> lines;
  for (const auto& name : names) lines.push_back(padded(name, name_columns));
  for (const auto& panel : panels) {
    const Drawing drawing(panel, columns);
    titles += gap + drawing.title();
    axes += gap + drawing.axis();
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i] += gap + drawing.line(panel.lines[i]);
  }
  std::string text = trimmed(titles) + trimmed(axes);
  for (const auto& line : lines) text += trimmed(line);
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

std::string ranges(const std::vector<std::string>& names, const std::vector<Panel>& panels,
                   std::size_t width) {
  std::vector<std::string> shown_names;
  for (const auto& name : names) shown_names.push_back(printable(name));
  const auto room = width == 0 ? kUsualWidth : width, name_columns = widest_of(shown_names, room);
  const auto columns_of = [&](std::size_t count) {
    const auto taken = name_columns + count * kGap;
    return room > taken ? std::min(kMostRange, (room - taken) / count) : 0;
  };
  const auto columns = columns_of(std::max<std::size_t>(panels.size(), 1));
  if (columns >= kLeastBeside) return beside(shown_names, name_columns, panels, columns);
  std::string text;
  if (columns_of(1) < kLeastRange) return text;
  for (const auto& panel : panels)
    text += beside(shown_names, name_columns, std::span(&panel, 1), columns_of(1));
  return text;
}

}  // namespace manhattan::report
