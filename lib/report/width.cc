// SPDX-License-Identifier: MIT
#include "report/width.h"

#include <locale.h>
#include <wchar.h>

#include <cstdio>

#include "base/text.h"

namespace manhattan::report {
namespace {

struct Character {
  std::string_view bytes;
  char32_t code_point;  ///< U+FFFD where the bytes are no UTF-8
};

/// The first character of `text`, which is not empty.
Character first_of(std::string_view text) noexcept {
  const auto length = base::utf8_length(text);
  if (length == 0) return {text.substr(0, 1), 0xfffd};
  char32_t code_point = static_cast<unsigned char>(text[0]);
  if (length > 1) code_point &= 0xffu >> (length + 1);
  for (std::size_t i = 1; i < length; ++i) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  return {text.substr(0, length), code_point};
}

bool is_harmful(char32_t c) noexcept {
  const bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool turns_text =
      c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return is_control || turns_text;
}

void append_escape(char32_t c, const char* below_0x100, std::string& out) {
  char escape[8];
  std::snprintf(escape, sizeof escape, c < 0x100 ? below_0x100 : "\\u%04x",
                static_cast<unsigned>(c));
  out += escape;
}

void append_escape(char32_t c, std::string& out) {
  constexpr std::string_view kNamed = "\n\r\t", kNames = "nrt";
  const auto named = c < 0x80 ? kNamed.find(static_cast<char>(c)) : kNamed.npos;
  if (named == kNamed.npos) return append_escape(c, "\\x%02x", out);
  (out += '\\') += kNames[named];
}

/// `text` in valid UTF-8, with `escape` of each harmful character.
template <class Escape>
std::string escape_harmful(std::string_view text, Escape escape) {
  std::string result;
  while (!text.empty()) {
    const auto character = first_of(text);
    if (is_harmful(character.code_point)) {
      escape(character.code_point, result);
    } else {
      base::append_utf8(character.code_point, result);
    }
    text.remove_prefix(character.bytes.size());
  }
  return result;
}

/// wcwidth asks the thread's locale; the program's may well be C, which knows ASCII only.
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(utf8())) {}
  ~Utf8Locale() { ::uselocale(before_); }
  Utf8Locale(const Utf8Locale&) = delete;

 private:
  static locale_t utf8() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;  // none: uselocale(0) leaves all as it is
  }
  locale_t before_;
};

std::size_t columns_of(char32_t c) noexcept {
  const int columns = ::wcwidth(static_cast<wchar_t>(c));
  return columns < 0 ? 1 : static_cast<std::size_t>(columns);
}

}  // namespace

std::string printable(std::string_view text) {
  return escape_harmful(text, [](char32_t c, std::string& out) { append_escape(c, out); });
}

std::string escaped_start(std::string_view text) {
  const auto first = first_of(text);
  std::string result;
  append_escape(first.code_point, result);
  return result.append(text.substr(first.bytes.size()));
}

std::string harmless_json(std::string_view json) {
  return escape_harmful(json,
                        [](char32_t c, std::string& out) { append_escape(c, "\\u%04x", out); });
}

std::size_t width_of(std::string_view text) {
  const Utf8Locale locale;
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto character = first_of(text);
    columns += columns_of(character.code_point);
    text.remove_prefix(character.bytes.size());
  }
  return columns;
}

std::string wrapped(std::string_view text, std::size_t columns) {
  if (columns == 0) return std::string(text);
  std::string result;
  std::size_t taken = 0;
  for (const auto word : base::split(text, ' ')) {
    const auto width = width_of(word);
    if (!result.empty()) {
      const bool has_room = taken + 1 + width <= columns;
      result += has_room ? ' ' : '\n';
      taken = has_room ? taken + 1 : 0;
    }
    result += word;
    taken += width;
  }
  return result;
}

std::string clipped(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  const Utf8Locale locale;
  std::string result;
  std::size_t taken = 1;  // for the ellipsis
  while (!text.empty()) {
    const auto character = first_of(text);
    taken += columns_of(character.code_point);
    if (taken > columns) break;
    result += character.bytes;
    text.remove_prefix(character.bytes.size());
  }
  return result + "…";
}

}  // namespace manhattan::report
