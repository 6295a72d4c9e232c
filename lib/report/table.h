// SPDX-License-Identifier: MIT
// Answers as rows and columns, for eyes and for programs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace manhattan::report {

enum class Format { table, tsv, csv, json, prometheus };

/// ConfigError where `name` is no format.
Format format_of(const std::string& name);

struct Column {
  enum class Kind {
    text,
    number,  ///< cells are numbers as JSON writes them; empty: none
    ratio,   ///< the same; a table shows it in percent
    time,    ///< whole seconds since 1970; a table shows date and time in UTC
  };
  std::string name;  ///< also the key in JSON
  Kind kind = Kind::text;
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  ///< each as wide as `columns`; text is UTF-8
};

struct Style {
  Format format = Format::table;
  std::size_t width = 0;  ///< columns of the terminal; 0: no limit
  bool has_colour = false;
};

/// Ready to print, each line ended. table: aligned, with a heading; where the terminal is too
/// narrow for that, a block a row, each cell behind its column's name. tsv: rows only; `\\` stands
/// for a backslash, and `\t`, `\x1b`, `\u202e` for a control character. csv: RFC 4180 with a
/// heading, lines ended by \n, control characters as in tsv. Where a spreadsheet would compute a
/// cell, tsv writes its first character as an escape, and csv puts an apostrophe before it. json:
/// an array of objects. prometheus is for numbers with names: see prometheus.h.
std::string render(const Table& table, const Style& style);

/// The array alone, to stand inside something larger.
std::string json_rows(const Table& table);

/// A JSON string of `text`. Control characters are escaped, so that none reaches a terminal.
std::string json_text(std::string_view text);

/// Whether a spreadsheet would compute `text` rather than show it. Names come from visitors: one
/// such as `=HYPERLINK(...)` would run with the rights of the person who opens the file. A number
/// is no formula, whatever its sign, nor is a sign alone.
bool is_formula(std::string_view text) noexcept;

/// One number: alone in table and tsv; csv: under its name; json: an object.
std::string render_number(const std::string& name, const std::string& number, const Style& style);

}  // namespace manhattan::report
