// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::base {

/// `text` without the ASCII blanks around it.
std::string_view trim(std::string_view text) noexcept;

/// The pieces of `text` between `separator`s; at least one, pieces may be empty.
std::vector<std::string_view> split(std::string_view text, char separator);

/// What `rest` has before the first `separator`, which both are taken off it.
std::string_view take_piece(std::string_view& rest, char separator) noexcept;

/// ASCII letters in lower case; every other byte as it is.
std::string to_lower(std::string_view text);

/// The same of one.
constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// Equal but for the case of ASCII letters, up to `size`.
bool equals_ignoring_case(const char* a, const char* b, std::size_t size) noexcept;
/// The same of two texts: mostly their lengths differ already.
inline bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && equals_ignoring_case(a.data(), b.data(), a.size());
}

/// Two lower-case hexadecimal digits a byte.
std::string to_hex(std::string_view bytes);
/// The same, to where `out` begins.
void write_hex(std::string_view bytes, char* out) noexcept;

/// Length in bytes of the valid UTF-8 character that `text` starts with; 0 where there is none.
std::size_t utf8_length(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// UTF-8 of `bytes` read as latin-1, the reading that can never fail.
std::string latin1_to_utf8(std::string_view bytes);

/// Appends the UTF-8 of a code point below 0x110000. A surrogate becomes U+FFFD.
void append_utf8(char32_t code_point, std::string& out);

}  // namespace manhattan::base
