// SPDX-License-Identifier: MIT
// Lines of the shell: their words, and what a half-typed one may become.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace manhattan::program {

/// The words of a line, divided, quoted and escaped as a shell does. ConfigError where it ends
/// within a quote.
std::vector<std::string> split_words(const std::string& line);

/// Names to complete with; each is asked for only when it is needed.
struct KnownNames {
  std::vector<std::string> commands, options;
  std::function<std::vector<std::string>()> goals, tests;
};

struct Completion {
  std::size_t start = 0;           ///< of the last word of the line
  std::vector<std::string> words;  ///< that may stand there, quoted where they need it
};

/// `line`: up to the cursor.
Completion complete(const std::string& line, const KnownNames& names);

/// `word` as the shell reads it back; between `quote`s, or, for 0, as little quoted as it may be.
std::string quoted(const std::string& word, char quote = 0);

}  // namespace manhattan::program
