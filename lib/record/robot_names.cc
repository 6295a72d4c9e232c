// SPDX-License-Identifier: MIT
#include "record/robot_names.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace manhattan::record {
namespace {

constexpr std::string_view kWordEdge = "\\b";

bool is_word(char c) noexcept {
  c = base::to_lower(c);
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// There is a character of a word on one side of `at` only.
bool is_word_edge(std::string_view text, std::size_t at) noexcept {
  const bool is_before = at > 0 && is_word(text[at - 1]);
  const bool is_behind = at < text.size() && is_word(text[at]);
  return is_before != is_behind;
}

}  // namespace

RobotNames::RobotNames(std::string_view patterns) {
  for (const auto line : base::split(patterns, '\n')) {
    const auto pattern = base::trim(line);
    if (pattern.empty() || pattern.starts_with('#')) continue;
    for (const auto alternative : base::split(pattern, '|')) add(alternative);
  }
  const auto kind = [](const Name& name) { return kind_of(name.text[0], name.text[1]); };
  std::stable_sort(names_.begin(), names_.end(),
                   [&](const Name& a, const Name& b) { return kind(a) < kind(b); });
  for (const auto& name : names_) ++at_[kind(name) + 1];
  for (std::size_t i = 0; i < kKinds; ++i) {
    at_[i + 1] = static_cast<std::uint16_t>(at_[i + 1] + at_[i]);
  }
}

void RobotNames::add(std::string_view pattern) {
  const auto whole = pattern;
  Name name{"", 0, pattern.starts_with(kWordEdge), false};
  if (name.begins_word) pattern.remove_prefix(kWordEdge.size());
  if (pattern.starts_with("[^") && pattern.size() > 4 && pattern[3] == ']') {
    name.not_before = base::to_lower(pattern[2]);
    pattern.remove_prefix(4);
  }
  name.ends_word = pattern.ends_with(kWordEdge);
  if (name.ends_word) pattern.remove_suffix(kWordEdge.size());
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    constexpr std::string_view kSpecial = "\\^$.[]()*+?{}";
    const bool is_escaped = pattern[i] == '\\' && i + 1 < pattern.size();
    if (is_escaped) ++i;
    const bool is_special = kSpecial.find(pattern[i]) != kSpecial.npos;
    if (is_special != is_escaped) name.text.clear();
    if (is_special != is_escaped) break;
    name.text += base::to_lower(pattern[i]);
  }
  if (name.text.size() < 2) {
    throw ConfigError("robot pattern '" + std::string(whole) + "' is no literal");
  }
  names_.push_back(std::move(name));
}

bool RobotNames::Name::is_at(std::string_view user_agent, std::size_t at) const noexcept {
  const auto end = at + text.size();
  if (end > user_agent.size()) return false;
  if (!base::equals_ignoring_case(user_agent.data() + at, text.data(), text.size())) return false;
  if (not_before != 0 && (at == 0 || base::to_lower(user_agent[at - 1]) == not_before)) {
    return false;
  }
  return (!begins_word || is_word_edge(user_agent, at)) &&
         (!ends_word || is_word_edge(user_agent, end));
}

bool RobotNames::find_in(std::string_view user_agent) const noexcept {
  for (std::size_t at = 0; at + 1 < user_agent.size(); ++at) {
    const auto kind = kind_of(user_agent[at], user_agent[at + 1]);
    for (std::size_t i = at_[kind]; i < at_[kind + 1]; ++i) {
      if (names_[i].is_at(user_agent, at)) return true;
    }
  }
  return false;
}

}  // namespace manhattan::record
