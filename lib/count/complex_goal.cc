// SPDX-License-Identifier: MIT
#include "count/complex_goal.h"

#include <string_view>

#include "base/error.h"

namespace manhattan::count {
namespace {

constexpr std::string_view kSpecial = "|,\\";

/// Pieces of `text` at `separator`s that no backslash guards; the backslashes stay in.
std::vector<std::string> split_guarded(const std::string& text, char separator) {
  std::vector<std::string> pieces(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) {
      pieces.emplace_back();
    } else {
      pieces.back().push_back(text[i]);
      if (text[i] == '\\' && i + 1 < text.size()) pieces.back().push_back(text[++i]);
    }
  }
  return pieces;
}

std::string unguarded(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain.push_back(text[i]);
  }
  return plain;
}

std::string guarded(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) result.push_back('\\');
    result.push_back(c);
  }
  return result;
}

std::vector<std::string> names_of(const std::string& list) {
  std::vector<std::string> names;
  for (const auto& piece : split_guarded(list, ',')) {
    if (!piece.empty()) names.push_back(unguarded(piece));
  }
  return names;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ",") + guarded(name);
  return list;
}

}  // namespace

ComplexGoal parse_complex_goal(const std::string& text) {
  const auto parts = split_guarded(text, '|');
  if (parts.size() < 2 || parts.size() > 3) {
    throw ConfigError("complex goal '" + text + "': not of the form name|include,include|exclude");
  }
  ComplexGoal goal{unguarded(parts[0]), names_of(parts[1]), {}};
  if (parts.size() == 3) goal.excludes = names_of(parts[2]);
  if (goal.name.empty()) throw ConfigError("complex goal '" + text + "': no name");
  if (goal.includes.empty()) throw ConfigError("complex goal '" + text + "': includes nothing");
  return goal;
}

std::string to_string(const ComplexGoal& goal) {
  return guarded(goal.name) + "|" + list_of(goal.includes) + "|" + list_of(goal.excludes);
}

}  // namespace manhattan::count
