// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace manhattan::count {

/// Counted when a visitor has reached all of `includes` and none of `excludes`.
struct ComplexGoal {
  std::string name;
  std::vector<std::string> includes;
  std::vector<std::string> excludes;
};

/// `name|include,include|exclude`; a backslash takes the next character as it is. ConfigError
/// names what is wrong.
ComplexGoal parse_complex_goal(const std::string& text);

/// The text that parse_complex_goal() reads.
std::string to_string(const ComplexGoal& goal);

}  // namespace manhattan::count
