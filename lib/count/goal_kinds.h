// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "count/delta.h"

namespace manhattan::count {

/// What records said of one goal's values.
class GoalSightings {
 public:
  /// A record that lies there in the log.
  void add(std::uint64_t position, char value_type, char value_format) noexcept;
  void add(const GoalSightings& others) noexcept;

  /// The letter that was said first, 0 where there was none.
  char first_type() const noexcept { return type_.letter; }
  char first_format() const noexcept { return format_.letter; }
  /// Records that said another type than this one.
  std::int64_t other_types(char value_type) const noexcept;

 private:
  struct First {
    char letter = 0;
    std::uint64_t position = UINT64_MAX;
    void meet(const First& other) noexcept {
      if (other.letter != 0 && other.position < position) *this = other;
    }
  };
  First type_, format_;
  std::array<std::int64_t, 4> of_type_{};
};

using SightingsByGoal = absl::flat_hash_map<NameId, GoalSightings>;

/// How goals' values are to be read: the first record that says something decides; later ones that
/// differ are tallied.
///
/// Threads: one.
/// Memory:  bounded; the store knows the rest.
/// Errors:  what `find` throws.
class GoalKinds {
 public:
  using Find = std::function<std::optional<GoalKind>(NameId)>;

  /// `find` tells what the store knows of a goal.
  explicit GoalKinds(Find find = {}) : find_(std::move(find)) {}

  /// Decides by what was seen since the last call; adds to the flush's goals and tallies.
  void settle(std::span<const SightingsByGoal> sightings, Flush& flush);

 private:
  std::optional<GoalKind> find(NameId goal) const;

  absl::flat_hash_map<NameId, GoalKind> goals_;
  Find find_;
};

}  // namespace manhattan::count
