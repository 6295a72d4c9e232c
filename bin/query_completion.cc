// SPDX-License-Identifier: MIT
#include "bin/query_completion.h"

#include <utility>

namespace manhattan::program {
namespace {

/// Words as the shell reads them; the last one may be half.
struct Words {
  std::vector<std::string> whole;
  std::string last;
  std::size_t last_start = 0;
};

Words words_in(const std::string& line) {
  Words words;
  char quote = 0;
  bool is_inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool is_blank = quote == 0 && (c == ' ' || c == '\t');
    if (is_blank && is_inside) words.whole.push_back(std::exchange(words.last, {}));
    if (!is_blank && !is_inside) words.last_start = i;
    is_inside = !is_blank;
    if (is_blank) continue;
    if (c == '\\' && i + 1 < line.size()) {
      words.last += line[++i];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      words.last += c;
    }
  }
  if (!is_inside) words.last_start = line.size();
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

std::string quoted(const std::string& word, char quote) {
  const bool is_plain = word.find_first_of(" \t\n'\"\\") == std::string::npos;
  if (quote == 0 && is_plain && !word.empty()) return word;
  const char used = quote == 0 ? '"' : quote;
  std::string result(1, used);
  for (const char c : word) {
    if (c == used || c == '\\') result += '\\';
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
