// SPDX-License-Identifier: MIT
#include "record/escape.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace manhattan::record {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7f && c != '\\'; }

/// So many bytes at once, copied and looked at: a byte of the result is zero where it is plain. As
/// signed numbers, bytes above 0x7f are below 0x20, too.
template <int Bytes>
using Vector __attribute__((vector_size(Bytes))) = signed char;

template <int Bytes>
Vector<Bytes> copied(const char* from, char* to) noexcept {
  Vector<Bytes> bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  std::memcpy(to, &bytes, sizeof bytes);
  return (bytes < 0x20) | (bytes == 0x7f) | (bytes == '\\');
}

template <int Bytes>
bool is_zero(Vector<Bytes> vector) noexcept {
  std::uint64_t words[Bytes / 8], any = 0;
  std::memcpy(words, &vector, sizeof words);
  for (const auto word : words) any |= word;
  return any == 0;
}

/// Copies at least `Bytes` bytes, the last step overlapping the one before; true if all are plain.
template <int Bytes>
bool copy_plain_by(std::string_view text, char* to) noexcept {
  const auto last = text.size() - Bytes;
  auto special = copied<Bytes>(text.data() + last, to + last);
  for (std::size_t i = 0; i < last; i += Bytes) special |= copied<Bytes>(text.data() + i, to + i);
  return is_zero<Bytes>(special);
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

// Most text is plain, and a web request waits for it.
bool copy_plain(std::string_view text, char* to) noexcept {
  if (text.size() >= 16) return copy_plain_by<16>(text, to);
  if (text.size() >= 8) return copy_plain_by<8>(text, to);
  bool is_all_plain = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    to[i] = text[i];
    is_all_plain &= is_plain(text[i]);
  }
  return is_all_plain;
}

void append_escaped(std::string_view text, std::string& out) {
  const auto start = out.size();
  out.resize(start + text.size());
  if (copy_plain(text, out.data() + start)) return;
  out.resize(start);
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

bool is_unescaped(std::string_view field) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x80 * kOnes;
  while (field.size() >= sizeof kOnes) {
    std::uint64_t word;
    std::memcpy(&word, field.data(), sizeof word);
    const auto slashes = word ^ '\\' * kOnes;
    if (((((slashes - kOnes) & ~slashes) | word) & kTops) != 0) return false;
    field.remove_prefix(sizeof word);
  }
  return std::all_of(field.begin(), field.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\\'; });
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
