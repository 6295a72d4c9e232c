// SPDX-License-Identifier: MIT
#include "bin/query_completion.h"

#include <utility>

#include "base/error.h"

namespace manhattan::program {
namespace {

/// Words as the shell reads them; the last one may be half.
struct Words {
  std::vector<std::string> whole;
  std::string last;
  std::size_t last_start = 0;
  bool is_inside = false;  ///< of the last one, be it empty
  bool is_open = false;    ///< a quote or an escape is not ended
};

/// Whether a backslash in these quotes escapes `next`, as in a shell.
bool is_escapable(char quote, char next) noexcept {
  if (quote == '"') return next == '"' || next == '\\' || next == '$' || next == '`';
  return quote == 0;
}

Words words_in(const std::string& line) {
  Words words;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool is_blank = quote == 0 && (c == ' ' || c == '\t');
    if (is_blank && words.is_inside) words.whole.push_back(std::exchange(words.last, {}));
    if (!is_blank && !words.is_inside) words.last_start = i;
    words.is_inside = !is_blank;
    if (is_blank) continue;
    const char next = i + 1 < line.size() ? line[i + 1] : '\0';
    if (c == '\\' && is_escapable(quote, next)) {
      words.is_open = next == '\0';
      if (next != '\0') words.last += line[++i];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      words.last += c;
    }
  }
  words.is_open |= quote != 0;
  if (!words.is_inside) words.last_start = line.size();
  return words;
}

/// What may stand after `words`.
std::vector<std::string> candidates(const Words& words, const KnownNames& names) {
  if (words.last.starts_with('-')) return names.options;
  std::vector<std::string> operands;
  for (const auto& word : words.whole) {
    if (!word.starts_with('-')) operands.push_back(word);
  }
  if (operands.empty()) return names.commands;
  if (words.whole.back() == "--variant") {
    auto tests = names.tests();
    for (auto& test : tests) test += '=';
    return tests;
  }
  const auto& command = operands.front();
  if (command == "results") return operands.size() == 1 ? names.tests() : names.goals();
  if (command == "count" || command == "value" || command == "series") return names.goals();
  return {};
}

}  // namespace

std::vector<std::string> split_words(const std::string& line) {
  auto words = words_in(line);
  if (words.is_open) throw ConfigError("a quote or an escape is not ended");
  if (words.is_inside) words.whole.push_back(std::move(words.last));
  return std::move(words.whole);
}

std::string quoted(const std::string& word, char quote) {
  const bool is_plain = word.find_first_of(" \t\n'\"\\") == std::string::npos;
  if (quote == 0 && is_plain && !word.empty()) return word;
  const char used = quote == 0 ? '"' : quote;
  std::string result(1, used);
  for (const char c : word) {
    if (used == '\'' && c == used) result += "'\\'";  // ends them, and begins anew
    if (used == '"' && is_escapable(used, c)) result += '\\';
    result += c;
  }
  return result + used;
}

Completion complete(const std::string& line, const KnownNames& names) {
  const auto words = words_in(line);
  Completion completion{.start = words.last_start, .words = {}};
  const char first = words.last_start < line.size() ? line[words.last_start] : '\0';
  const char quote = first == '\'' || first == '"' ? first : '\0';
  for (const auto& name : candidates(words, names)) {
    const bool is_printable = name.find_first_of("\n\r\t\x1b") == std::string::npos;
    if (is_printable && name.starts_with(words.last))
      completion.words.push_back(quoted(name, quote));
  }
  return completion;
}

}  // namespace manhattan::program
