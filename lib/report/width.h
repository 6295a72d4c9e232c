// SPDX-License-Identifier: MIT
// Text as a terminal shows it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace manhattan::report {

/// `text` with nothing in it that moves the cursor or turns the text around: control characters
/// become `\n`, `\r`, `\t`, `\x1b`, `\u202e`; bytes that are no UTF-8 become U+FFFD.
std::string printable(std::string_view text);

/// `text` with its first character written as `\x3d` or `\uff1d`. It must not be empty.
std::string escaped_start(std::string_view text);

/// The same JSON, with `\u009b` for each control character that JSON allows as it is.
std::string harmless_json(std::string_view json);

/// Columns that printable text takes: 2 for an emoji, 0 for a combining accent.
std::size_t width_of(std::string_view text);

/// Printable text in lines of at most `columns` (0: one line) where its words allow that; none is
/// divided. No newline at the end.
std::string wrapped(std::string_view text, std::size_t columns);

/// Printable text cut to `columns`, with `…` at its end where something was cut.
std::string clipped(std::string_view text, std::size_t columns);

}  // namespace manhattan::report
