// SPDX-License-Identifier: MIT
#include "count/agents.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"

namespace manhattan::count {
namespace {

constexpr std::size_t kMostKnown = 10'000;
constexpr std::size_t kGroups = 10;

using Groups = std::array<re2::StringPiece, kGroups>;

std::string text_of(const YAML::Node& node, const char* key) {
  const auto value = node[key];
  return value ? value.as<std::string>() : std::string();
}

/// `$1` to `$9` become what the groups matched.
std::string replaced(const std::string& replacement, const Groups& groups) {
  std::string text;
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    const bool is_group = replacement[i] == '$' && i + 1 < replacement.size() &&
                          replacement[i + 1] >= '1' && replacement[i + 1] <= '9';
    if (is_group) {
      const auto& group = groups[static_cast<std::size_t>(replacement[++i] - '0')];
      text.append(group.data(), group.size());
    } else {
      text.push_back(replacement[i]);
    }
  }
  return std::string(base::trim(text));
}

}  // namespace

std::vector<Agents::Pattern> Agents::patterns_of(const std::string& yaml, const char* section,
                                                 const char* family, const char* major) {
  std::vector<Pattern> patterns;
  try {
    for (const auto& node : YAML::Load(yaml)[section]) {
      RE2::Options options(RE2::Quiet);
      options.set_case_sensitive(text_of(node, "regex_flag") != "i");
      auto regex = std::make_unique<RE2>(text_of(node, "regex"), options);
      if (!regex->ok()) continue;
      patterns.push_back({std::move(regex), text_of(node, family), text_of(node, major)});
    }
  } catch (const YAML::Exception& error) {
    throw ConfigError(std::string("user agent patterns: ") + error.what());
  }
  if (patterns.empty()) throw ConfigError(std::string("user agent patterns: no ") + section);
  return patterns;
}

Agents::Agents(const std::string& yaml)
    : browsers_(patterns_of(yaml, "user_agent_parsers", "family_replacement", "v1_replacement")),
      systems_(patterns_of(yaml, "os_parsers", "os_replacement", "os_v1_replacement")),
      devices_(patterns_of(yaml, "device_parsers", "device_replacement", "model_replacement")) {}

Agents::Match Agents::match(const std::vector<Pattern>& patterns, std::string_view user_agent) {
  const re2::StringPiece text(user_agent.data(), user_agent.size());
  for (const auto& pattern : patterns) {
    Groups groups;
    const auto wanted = std::min<int>(kGroups, 1 + pattern.regex->NumberOfCapturingGroups());
    if (!pattern.regex->Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(), wanted))
      continue;
    return {replaced(pattern.family.empty() ? "$1" : pattern.family, groups),
            replaced(pattern.major.empty() ? "$2" : pattern.major, groups)};
  }
  return {};
}

const Agent& Agents::of(std::string_view user_agent) {
  if (const auto known = known_.find(user_agent); known != known_.end()) return known->second;
  if (known_.size() >= kMostKnown) known_.clear();
  const auto browser = match(browsers_, user_agent);
  Agent agent{browser.family, browser.family, match(systems_, user_agent).family,
              match(devices_, user_agent).family};
  if (!browser.major.empty()) agent.browser_version += " " + browser.major;
  return known_.emplace(user_agent, std::move(agent)).first->second;
}

}  // namespace manhattan::count
