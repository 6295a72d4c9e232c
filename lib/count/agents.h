// SPDX-License-Identifier: MIT
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_map.h"

namespace manhattan::count {

/// What a User-Agent header says. `Other` where nobody knows.
struct Agent {
  std::string browser;          ///< `Firefox`
  std::string browser_version;  ///< `Firefox 143`
  std::string os;               ///< `Windows`
  std::string device;           ///< `iPhone`
};

/// Tells browsers by the patterns of uap-core.
///
/// Threads: one.
/// Memory:  answers are kept for a bounded number of strings; a pattern set takes some megabytes.
/// Source:  https://github.com/ua-parser/uap-core, docs/specification.md.
class Agents {
 public:
  /// The text of uap-core's regexes.yaml. ConfigError where it is none. Patterns that RE2 does not
  /// know (it has no look-ahead) are left out.
  explicit Agents(const std::string& regexes_yaml);

  const Agent& of(std::string_view user_agent);

 private:
  struct Pattern {
    std::unique_ptr<RE2> regex;
    std::string family;  ///< a replacement with $1 to $9; empty: the first group
    std::string major;   ///< likewise; empty: the second group
  };
  struct Match {
    std::string family = "Other";
    std::string major;
  };

  static std::vector<Pattern> patterns_of(const std::string& yaml, const char* section,
                                          const char* family, const char* major);
  static Match match(const std::vector<Pattern>& patterns, std::string_view user_agent);

  std::vector<Pattern> browsers_;
  std::vector<Pattern> systems_;
  std::vector<Pattern> devices_;
  base::TextMap<Agent> known_;
};

}  // namespace manhattan::count
