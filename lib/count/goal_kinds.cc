// SPDX-License-Identifier: MIT
#include "count/goal_kinds.h"

#include <numeric>
#include <string_view>

namespace manhattan::count {
namespace {

constexpr std::size_t kMostGoals = 100'000;
constexpr std::string_view kTypes = "RASI";

}  // namespace

void GoalSightings::add(std::uint64_t position, char value_type, char value_format) noexcept {
  type_.meet({value_type, position});
  format_.meet({value_format, position});
  if (value_type != 0) ++of_type_.at(kTypes.find(value_type));
}

void GoalSightings::add(const GoalSightings& others) noexcept {
  type_.meet(others.type_);
  format_.meet(others.format_);
  for (std::size_t i = 0; i < of_type_.size(); ++i) of_type_[i] += others.of_type_[i];
}

std::int64_t GoalSightings::other_types(char value_type) const noexcept {
  const auto all = std::accumulate(of_type_.begin(), of_type_.end(), std::int64_t{0});
  return value_type == 0 ? 0 : all - of_type_.at(kTypes.find(value_type));
}

void GoalKinds::settle(std::span<const SightingsByGoal> sightings, Flush& flush) {
  std::map<NameId, GoalSightings> seen;
  for (const auto& some : sightings) {
    for (const auto& [goal, of_goal] : some) seen[goal].add(of_goal);
  }
  std::int64_t conflicts = 0;
  for (const auto& [goal, of_goal] : seen) {
    const auto stored = find(goal);
    auto& kind = goals_.try_emplace(goal, stored.value_or(GoalKind{goal, 0, 0})).first->second;
    if (kind.value_type == 0) kind.value_type = of_goal.first_type();
    if (kind.value_format == 0) kind.value_format = of_goal.first_format();
    if (kind != stored) flush.goals.push_back(kind);
    conflicts += of_goal.other_types(kind.value_type);
  }
  if (conflicts > 0) flush.tallies.push_back({"value_type_conflict", conflicts});
  if (goals_.size() > kMostGoals) goals_.clear();
}

std::optional<GoalKind> GoalKinds::find(NameId goal) const {
  const auto known = goals_.find(goal);
  if (known != goals_.end()) return known->second;
  return find_ ? find_(goal) : std::nullopt;
}

}  // namespace manhattan::count
