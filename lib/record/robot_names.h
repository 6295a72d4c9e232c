// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::record {

/// The patterns that come with Manhattan, dated in their first line: of programs that say in their
/// User-Agent that nobody is looking. Regular expressions (RE2, any case), one a line, blank lines
/// and `#` lines aside; no more of them than RobotNames reads.
const char* default_robots() noexcept;

/// Finds robots by default_robots() without a library for regular expressions, which a web request
/// could not wait for: in some 100 ns.
///
/// Reads alternatives between `|`, each a literal, in which `\.` and `\+` are the characters, with
/// `\b` or one `[^x]` before it and `\b` behind it where that is wanted.
///
/// Threads: const use from any number.
class RobotNames {
 public:
  /// ConfigError names a pattern that is more than that.
  explicit RobotNames(std::string_view patterns);

  bool find_in(std::string_view user_agent) const noexcept;

 private:
  struct Name {
    std::string text;  ///< in lower case, two bytes or more
    char not_before;   ///< needs another letter than this before it; 0: needs none
    bool begins_word;
    bool ends_word;

    bool is_at(std::string_view user_agent, std::size_t at) const noexcept;
  };
  /// Of how the first two bytes begin, in any case: few names share one, and few texts have one.
  static constexpr std::size_t kKinds = 32 * 32;
  static std::size_t kind_of(char first, char second) noexcept {
    return (static_cast<std::size_t>(first) & 31) * 32 + (static_cast<std::size_t>(second) & 31);
  }
  void add(std::string_view pattern);

  std::vector<Name> names_;                     ///< by kind
  std::array<std::uint16_t, kKinds + 1> at_{};  ///< where those of a kind begin in names_
};

}  // namespace manhattan::record
