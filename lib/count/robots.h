// SPDX-License-Identifier: MIT
#pragma once

#include <re2/set.h>

#include <string>
#include <string_view>

#include "base/text_map.h"

namespace manhattan::count {

/// Programs that say in their User-Agent that nobody is looking.
///
/// Threads: one. Memory: answers are kept for a bounded number of strings.
class Robots {
 public:
  /// One regular expression (RE2, any case) a line; blank lines and `#` lines aside. ConfigError
  /// names a line that is none.
  explicit Robots(const std::string& patterns);

  bool has(std::string_view user_agent);

 private:
  RE2::Set patterns_;
  bool is_empty_ = true;
  base::TextMap<bool> known_;
};

}  // namespace manhattan::count
