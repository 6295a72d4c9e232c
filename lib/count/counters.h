// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <map>
#include <optional>

#include "count/delta.h"
#include "count/tallies.h"

namespace manhattan::count {

/// What has changed since the last flush, added up.
///
/// Threads: one. Memory: one entry for each counter that changed.
class Counters {
 public:
  using FindGoal = std::function<std::optional<GoalKind>(NameId)>;

  /// `find` tells what the store knows of a goal.
  explicit Counters(FindGoal find = {});

  void add(const CounterKey& key, std::int64_t count, Decimal value);
  /// The first type that says something stays; a later one that differs is tallied.
  void meet_goal(NameId goal, char value_type, char value_format);
  void meet_split(NameId split, UnixNanos at);
  Tallies& tallies() noexcept { return tallies_; }

  /// Moves everything but names and visitors into `flush`.
  void take(Flush& flush);

 private:
  absl::flat_hash_map<CounterKey, CounterDelta> deltas_;
  absl::flat_hash_map<NameId, GoalKind> goals_;
  std::map<NameId, GoalKind> changed_goals_;
  std::map<NameId, SplitSpan> splits_;
  Tallies tallies_;
  FindGoal find_goal_;
};

}  // namespace manhattan::count
