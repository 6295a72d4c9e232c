// SPDX-License-Identifier: MIT
// The lines that wait for a visitor's pixel, as they are kept in memory and in the store.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/tab_fields.h"
#include "count/blob.h"

namespace manhattan::count {

/// A line, less what its template has of it.
struct ShortLine {
  std::uint32_t number = 0;  ///< of its template, counted from 1; 0: it has none
  std::uint32_t same = 0;    ///< bit i: field i is as there
  std::size_t bytes = 0;     ///< of the other fields, with tabs between them

  /// The whole line.
  explicit ShortLine(std::string_view line) noexcept : bytes(line.size()) {}
  /// By a template with as many fields.
  ShortLine(const base::TabFields& line, std::uint32_t number, const base::TabFields& by) noexcept;
  /// What write() writes at most.
  std::size_t most_bytes() const noexcept { return 3 * kMostNumberBytes + bytes; }
  /// Returns its end.
  char* write(const base::TabFields& line, char* to) const noexcept;
};

/// Lines that wait: most fields of a line stood in an earlier one of its kind, too, so a few lines
/// are kept whole, as templates, and each line without the fields that are as in its template.
///
/// Templates: how many, and the text of each. A line: its ShortLine::number and, unless that is 0,
/// `same`; then as a text its other fields.
///
/// Owns:    nothing; it views the templates.
/// Errors:  DamageError where the bytes are no such lines.
class WaitingLines {
 public:
  static constexpr std::uint32_t kMostTemplates = 8;

  /// Reads the templates; the lines follow.
  explicit WaitingLines(BlobReader& in);

  std::uint32_t templates() const noexcept { return count_; }
  /// Nothing where no template is of the line's kind.
  std::optional<ShortLine> shorten(const base::TabFields& line) const noexcept;
  /// Appends the next line to `line`, whole again.
  void read(BlobReader& in, std::string& line) const;
  /// Passes over a line.
  static void skip(BlobReader& in);

 private:
  std::uint32_t count_;
  std::array<std::string_view, kMostTemplates> texts_;
};

}  // namespace manhattan::count
