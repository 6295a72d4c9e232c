// SPDX-License-Identifier: MIT
#include "record/escape.h"

#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace manhattan::record {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7f && c != '\\'; }

/// Any of the eight is not plain: the tests for bytes below 0x20, above 0x7e and for backslashes,
/// on all at once. Most text is plain, and a web request waits for it.
bool has_special(const char* eight) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x80 * kOnes;
  std::uint64_t word;
  std::memcpy(&word, eight, sizeof word);
  const auto slashes = word ^ '\\' * kOnes;
  const auto low = (word - 0x20 * kOnes) & ~word;
  const auto slash = (slashes - kOnes) & ~slashes;
  return ((low | slash | word | (word + kOnes)) & kTops) != 0;
}

void append_hex(char32_t value, int digits, std::string& out) {
  for (int i = digits - 1; i >= 0; --i) out.push_back(kHex[(value >> (4 * i)) & 15]);
}

void append_escape(char32_t c, std::string& out) {
  out.push_back('\\');
  if (c == '\t' || c == '\n' || c == '\r' || c == '\\') {
    out.push_back(c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
  } else if (c < 0x100) {
    out.push_back('x');
    append_hex(c, 2, out);
  } else if (c < 0x10000) {
    out.push_back('u');
    append_hex(c, 4, out);
  } else {
    out.push_back('U');
    append_hex(c, 8, out);
  }
}

/// The code point of a valid UTF-8 character.
char32_t decoded(std::string_view character) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t c = byte(0) & (0x7fu >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) c = (c << 6) | (byte(i) & 0x3f);
  return c;
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

/// A number at the front of a field, taken off it; `digits` is how many it has.
struct Number {
  char32_t value = 0;
  int digits = 0;
};

Number take_number(std::string_view& field, int base, int most_digits) noexcept {
  Number number;
  while (number.digits < most_digits && !field.empty() && digit_value(field.front()) < base) {
    number.value = number.value * static_cast<unsigned>(base) +
                   static_cast<unsigned>(digit_value(field.front()));
    ++number.digits;
    field.remove_prefix(1);
  }
  return number;
}

Unescape take_code_point(std::string_view& field, int digits, std::string& out) {
  const auto number = take_number(field, 16, digits);
  if (number.digits != digits || number.value > 0x10ffff) return Unescape::bad_escape;
  base::append_utf8(number.value, out);
  return Unescape::ok;
}

/// Appends what the escape after a backslash says and takes it off `field`.
Unescape take_escape(std::string_view& field, std::string& out) {
  if (field.empty()) return Unescape::bad_escape;
  const char kind = field.front();
  if (kind >= '0' && kind <= '7') {
    base::append_utf8(take_number(field, 8, 3).value, out);
    return Unescape::ok;
  }
  field.remove_prefix(1);
  constexpr std::string_view kNames = "tnr\\abfv'\"";
  constexpr std::string_view kBytes = "\t\n\r\\\a\b\f\v'\"";
  if (const auto known = kNames.find(kind); known != std::string_view::npos) {
    out.push_back(kBytes[known]);
    return Unescape::ok;
  }
  switch (kind) {
    case '\n':
      return Unescape::ok;  // a line that goes on: nothing
    case 'x':
      return take_code_point(field, 2, out);
    case 'u':
      return take_code_point(field, 4, out);
    case 'U':
      return take_code_point(field, 8, out);
    default:
      break;
  }
  out.push_back('\\');
  base::append_utf8(static_cast<unsigned char>(kind), out);
  return Unescape::ok;
}

}  // namespace

void append_escaped(std::string_view text, std::string& out) {
  std::size_t plain = 0;
  while (plain + 8 <= text.size() && !has_special(text.data() + plain)) plain += 8;
  while (plain < text.size() && is_plain(text[plain])) ++plain;
  out.append(text.substr(0, plain));
  text.remove_prefix(plain);
  if (text.empty()) return;
  if (!base::is_utf8(text)) {
    append_escaped(base::latin1_to_utf8(text), out);
    return;
  }
  while (!text.empty()) {
    const auto character = text.substr(0, base::utf8_length(text));
    if (is_plain(character.front())) {
      out.push_back(character.front());
    } else {
      append_escape(decoded(character), out);
    }
    text.remove_prefix(character.size());
  }
}

Unescape append_unescaped(std::string_view field, std::string& out) {
  while (!field.empty()) {
    const char c = field.front();
    field.remove_prefix(1);
    if (c == '\\') {
      if (take_escape(field, out) != Unescape::ok) return Unescape::bad_escape;
    } else {
      base::append_utf8(static_cast<unsigned char>(c), out);
    }
  }
  return Unescape::ok;
}

}  // namespace manhattan::record
