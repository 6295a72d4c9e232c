// SPDX-License-Identifier: MIT
#include "report/table.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "report/numbers.h"
#include "report/width.h"

namespace manhattan::report {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kNarrowest = 8;  // of a column that gives way to the terminal's width

using Row = std::vector<std::string>;

std::string percent(const std::string& ratio) {
  double value = 0;
  const auto end = ratio.data() + ratio.size();
  if (ratio.empty() || std::from_chars(ratio.data(), end, value).ec != std::errc{}) return ratio;
  char text[64];
  std::snprintf(text, sizeof text, "%.2f%%", value * 100);
  return text;
}

std::string time_cell(const std::string& seconds) {
  std::int64_t value = 0;
  const auto end = seconds.data() + seconds.size();
  if (std::from_chars(seconds.data(), end, value).ec != std::errc{}) return seconds;
  return date_and_time(value);
}

std::string shown(Column::Kind kind, const std::string& cell) {
  switch (kind) {
    case Column::Kind::ratio:
      return percent(cell);
    case Column::Kind::time:
      return time_cell(cell);
    default:
      return printable(cell);
  }
}

/// The rows as a terminal may show them, the heading first.
std::vector<Row> shown_rows(const Table& table) {
  std::vector<Row> rows(1);
  for (const auto& column : table.columns) rows[0].push_back(column.name);
  for (const auto& row : table.rows) {
    rows.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      rows.back().push_back(shown(table.columns[i].kind, row[i]));
    }
  }
  return rows;
}

std::size_t total_of(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), kGap.size() * (widths.size() - 1));
}

/// Makes the widest columns of text narrower until all fit into `limit`, or none gives more.
void squeeze(const Table& table, std::size_t limit, std::vector<std::size_t>& widths) {
  for (auto total = total_of(widths); total > limit; --total) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (table.columns[i].kind != Column::Kind::text || widths[i] <= kNarrowest) continue;
      if (widest == nullptr || widths[i] > *widest) widest = &widths[i];
    }
    if (widest == nullptr) return;
    --*widest;
  }
}

std::vector<std::size_t> widths_of(const Table& table, const std::vector<Row>& rows,
                                   std::size_t limit) {
  std::vector<std::size_t> widths(table.columns.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  if (limit != 0 && !widths.empty()) squeeze(table, limit, widths);
  return widths;
}

std::string aligned_line(const Table& table, const Row& row,
                         const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto cell = clipped(row[i], widths[i]);
    const std::string padding(widths[i] - std::min(widths[i], width_of(cell)), ' ');
    if (i > 0) line += kGap;
    line += table.columns[i].kind == Column::Kind::text ? cell + padding : padding + cell;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string bold_line(const std::string& line, const Style& style) {
  return style.has_colour ? "\x1b[1m" + line + "\x1b[0m\n" : line + "\n";
}

/// A line each of its cells that has something, behind the column's name.
std::string block(const Table& table, const Row& names, const Row& row, const Style& style) {
  std::size_t widest = 0;
  for (const auto& name : names) widest = std::max(widest, width_of(name));
  const auto indent = widest + kGap.size();
  const auto room = std::max(kNarrowest, style.width - std::min(style.width, indent));
  std::string result;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0 && row[i].empty()) continue;
    const bool is_text = table.columns[i].kind == Column::Kind::text;
    auto line = names[i] + std::string(indent - width_of(names[i]), ' ');
    line += is_text ? clipped(row[i], room) : row[i];
    result += i == 0 ? bold_line(line, style) : line + "\n";
  }
  return result;
}

/// For a terminal that is too narrow for lines.
std::string render_blocks(const Table& table, const std::vector<Row>& rows, const Style& style) {
  std::string result;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (i > 1) result += '\n';
    result += block(table, rows[0], rows[i], style);
  }
  return result;
}

std::string render_aligned(const Table& table, const Style& style) {
  const auto rows = shown_rows(table);
  const auto widths = widths_of(table, rows, style.width);
  const bool is_too_wide = style.width != 0 && total_of(widths) > style.width;
  if (is_too_wide && rows.size() > 1) return render_blocks(table, rows, style);
  auto result = bold_line(aligned_line(table, rows[0], widths), style);
  for (std::size_t i = 1; i < rows.size(); ++i)
    result += aligned_line(table, rows[i], widths) + '\n';
  return result;
}

bool is_number(std::string_view text) noexcept {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

std::string tsv_cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '\\' ? "\\\\" : std::string(1, c);
  const auto cell = printable(escaped);
  return is_formula(cell) ? escaped_start(cell) : cell;
}

std::string csv_cell(const std::string& text) {
  std::string cell = is_formula(text) ? "'" : "";
  for (const auto line : base::split(text, '\n')) {
    if (line.data() != text.data()) cell += '\n';
    for (const char c : printable(line)) cell += c == '"' ? "\"\"" : std::string(1, c);
  }
  const bool is_quoted = cell.find_first_of(",\"\n") != std::string::npos;
  return is_quoted ? '"' + cell + '"' : cell;
}

template <class Cell>
std::string separated_line(const Row& row, char separator, Cell cell) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line += separator;
    line += cell(row[i]);
  }
  return line + '\n';
}

std::string render_tsv(const Table& table) {
  std::string result;
  for (const auto& row : table.rows) result += separated_line(row, '\t', tsv_cell);
  return result;
}

std::string render_csv(const Table& table) {
  Row heading;
  for (const auto& column : table.columns) heading.push_back(column.name);
  auto result = separated_line(heading, ',', csv_cell);
  for (const auto& row : table.rows) result += separated_line(row, ',', csv_cell);
  return result;
}

std::string json_row(const Table& table, const Row& row) {
  std::string object = "{";
  for (std::size_t i = 0; i < row.size(); ++i) {
    const bool is_text = table.columns[i].kind == Column::Kind::text;
    if (i > 0) object += ", ";
    object += json_text(table.columns[i].name) + ": ";
    object += is_text ? json_text(row[i]) : row[i].empty() ? "null" : row[i];
  }
  return object + "}";
}

}  // namespace

Format format_of(const std::string& name) {
  if (name == "table") return Format::table;
  if (name == "tsv") return Format::tsv;
  if (name == "csv") return Format::csv;
  if (name == "json") return Format::json;
  if (name == "prometheus") return Format::prometheus;
  throw ConfigError("format '" + name + "' is none of table, tsv, csv, json, prometheus");
}

std::string json_text(std::string_view text) {
  return harmless_json(
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

bool is_formula(std::string_view text) noexcept {
  constexpr std::string_view kStarts[] = {"=", "+", "-", "@", "＝", "＋", "－", "＠"};
  const auto begins = [&](std::string_view start) { return text.starts_with(start); };
  return std::any_of(std::begin(kStarts), std::end(kStarts), begins) &&
         text.size() > base::utf8_length(text) && !is_number(text);
}

std::string json_rows(const Table& table) {
  std::string result = "[";
  for (const auto& row : table.rows) {
    if (result.size() > 1) result += ",\n ";
    result += json_row(table, row);
  }
  return result + "]";
}

std::string render(const Table& table, const Style& style) {
  switch (style.format) {
    case Format::tsv:
      return render_tsv(table);
    case Format::csv:
      return render_csv(table);
    case Format::json:
      return json_rows(table) + "\n";
    case Format::prometheus:
      throw ConfigError("only 'status' has the format prometheus");
    case Format::table:
      break;
  }
  return render_aligned(table, style);
}

std::string render_number(const std::string& name, const std::string& number, const Style& style) {
  const Table table{{{name, Column::Kind::number}}, {{number}}};
  if (style.format == Format::csv || style.format == Format::prometheus) {
    return render(table, style);
  }
  if (style.format == Format::json) return json_row(table, {number}) + "\n";
  return number + "\n";
}

}  // namespace manhattan::report
