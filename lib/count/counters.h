// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/huge_allocator.h"
#include "count/delta.h"
#include "count/goal_kinds.h"
#include "count/tallies.h"

namespace manhattan::count {

/// What one hit adds: on its site, and on all sites together, where the visitor may be known.
struct Hit {
  std::int64_t here = 0;
  std::int64_t on_all_sites = 0;
  Decimal value;
};

/// What has changed since the last flush, added up.
///
/// Threads: one. Memory: one entry for each counter that changed.
class Counters {
 public:
  /// Adds to the counter of `key` and to its twin over all sites.
  void add(const CounterKey& key, const Hit& hit);
  void add_square(const SquareKey& key, SquareSum delta);
  /// What follows is of the record that lies there in the log.
  void set_position(std::uint64_t position) noexcept { position_ = position; }
  void meet_goal(NameId goal, char value_type, char value_format) {
    sightings_[goal].add(position_, value_type, value_format);
  }
  void meet_split(NameId split, UnixNanos at);
  Tallies& tallies() noexcept { return tallies_; }

  /// What was seen of goals since the last call.
  SightingsByGoal take_sightings() { return std::exchange(sightings_, {}); }
  /// Moves counters, squares, splits and tallies into `flush`, which has none.
  void take(Flush& flush);
  std::size_t size() const noexcept { return pairs_.size() + elsewhere_.size(); }

 private:
  /// A key and its hash, worked out once.
  struct Hashed {
    CounterKey key;
    std::size_t hash = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Hashed& key) const noexcept { return key.hash; }
    std::size_t operator()(const CounterKey& key) const noexcept;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const CounterKey& a, const Hashed& b) const noexcept { return a == b.key; }
    bool operator()(const CounterKey& a, const CounterKey& b) const noexcept { return a == b; }
  };
  /// Hits of one counter on one site.
  struct Hits {
    Hashed key;  ///< over all sites
    std::int32_t site = kAllSites;
    Hit sum;
  };
  /// Those counted last, by their hash: a log is in order of time, so most hits of an hour are of a
  /// few hundred counters.
  static constexpr std::size_t kMostRecent = 1024;
  /// Those on their way: their pairs, mostly far away in memory, are being fetched.
  static constexpr std::size_t kMostPending = 16;
  /// A counter on the first site met, which mostly is the only one, and its twin over all sites:
  /// one look-up for both.
  struct Pair {
    std::int64_t here = 0;
    std::int64_t on_all_sites = 0;
    std::int32_t site = kAllSites;
  };

  void fetch(const Hits& hits);
  void apply_oldest();
  void apply(const Hits& hits);

  std::vector<Hits> recent_ = std::vector<Hits>(kMostRecent);
  std::array<Hits, kMostPending> pending_;  // a ring: at most that many, the oldest first
  std::size_t first_pending_ = 0;
  std::size_t pending_count_ = 0;
  absl::flat_hash_map<CounterKey, Pair, Hash, Equal,
                      base::HugeAllocator<std::pair<const CounterKey, Pair>>>
      pairs_;                                                // by the key over all sites
  absl::flat_hash_map<CounterKey, std::int64_t> elsewhere_;  // on further sites
  absl::flat_hash_map<CounterKey, Decimal> values_;          // of the few counters that have one
  absl::flat_hash_map<SquareKey, SquareSum> squares_;
  std::uint64_t position_ = 0;
  SightingsByGoal sightings_;
  std::map<NameId, SplitSpan> splits_;
  Tallies tallies_;
};

/// What several took, added up: counters, squares, splits and tallies.
Flush merged(std::vector<Flush> parts);

}  // namespace manhattan::count
