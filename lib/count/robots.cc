// SPDX-License-Identifier: MIT
#include "count/robots.h"

#include "base/error.h"
#include "base/text.h"

namespace manhattan::count {
namespace {

constexpr std::size_t kMostKnown = 10'000;

RE2::Options any_case() {
  RE2::Options options(RE2::Quiet);
  options.set_case_sensitive(false);
  return options;
}

}  // namespace

Robots::Robots(const std::string& patterns) : patterns_(any_case(), RE2::UNANCHORED) {
  for (const auto line : base::split(patterns, '\n')) {
    const auto pattern = base::trim(line);
    if (pattern.empty() || pattern.starts_with('#')) continue;
    std::string why;
    if (patterns_.Add({pattern.data(), pattern.size()}, &why) < 0) {
      throw ConfigError("robot pattern '" + std::string(pattern) + "': " + why);
    }
    is_empty_ = false;
  }
  if (!patterns_.Compile()) throw ConfigError("too many robot patterns");
}

bool Robots::has(std::string_view user_agent) {
  if (is_empty_) return false;
  if (const auto known = known_.find(user_agent); known != known_.end()) return known->second;
  if (known_.size() >= kMostKnown) known_.clear();
  const bool is_robot = patterns_.Match({user_agent.data(), user_agent.size()}, nullptr);
  return known_.emplace(user_agent, is_robot).first->second;
}

}  // namespace manhattan::count
