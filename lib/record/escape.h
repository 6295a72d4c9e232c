// SPDX-License-Identifier: MIT
// Python's unicode_escape over UTF-8 text, as the text log has used it from the start.
#pragma once

#include <string>
#include <string_view>

namespace manhattan::record {

/// Appends `text` (UTF-8; else read as latin-1) so that no tab, newline, raw backslash or byte
/// above 0x7e is left in it.
void append_escaped(std::string_view text, std::string& out);

/// Copies `text` to `to`, which has room for it, and says whether it may stay as it is: where not,
/// what stands at `to` means nothing.
[[nodiscard]] bool copy_plain(std::string_view text, char* to) noexcept;

/// An escaped field that stands for itself: no backslash in it, and no byte above 0x7f.
bool is_unescaped(std::string_view field) noexcept;

enum class Unescape { ok, bad_escape };

/// Appends the UTF-8 of an escaped field; raw bytes above 0x7f are latin-1. A cut-short or
/// out-of-range escape is bad; `out` then holds what came before it.
[[nodiscard]] Unescape append_unescaped(std::string_view field, std::string& out);

}  // namespace manhattan::record
