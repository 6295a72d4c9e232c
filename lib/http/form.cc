// SPDX-License-Identifier: MIT
#include "http/form.h"

#include <charconv>

#include "base/text.h"

namespace manhattan::http {

std::string decode_form(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const auto* digits = text.data() + i + 1;
    const bool is_escape = text[i] == '%' && i + 2 < text.size() &&
                           std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    result += is_escape ? static_cast<char>(byte) : text[i] == '+' ? ' ' : text[i];
    if (is_escape) i += 2;
  }
  return result;
}

std::vector<std::string> search_words(std::string_view query) {
  if (query.empty() || query.find('=') != query.npos) return {};
  std::vector<std::string> words;
  for (const auto part : base::split(query, '+')) {
    words.push_back(decode_form(part));
    if (words.back().find('\0') != std::string::npos) return {};
  }
  return words;
}

}  // namespace manhattan::http
