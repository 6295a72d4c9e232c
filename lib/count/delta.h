// SPDX-License-Identifier: MIT
// What counting changes, as plain data: all of it commits together or not at all.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/huge_allocator.h"

namespace manhattan::count {

/// Number of a name (goal, split, population, rollup, bucket) in one store; 0 is "no name".
using NameId = std::uint32_t;

/// The site of counters over all sites together, each visitor once.
inline constexpr std::int32_t kAllSites = -1;

/// One bucket of one rollup.
struct Bucket {
  NameId rollup = 0;
  NameId bucket = 0;

  friend auto operator<=>(const Bucket&, const Bucket&) = default;
  template <class Hash>
  friend Hash AbslHashValue(Hash hash, const Bucket& bucket) {
    return Hash::combine(std::move(hash), std::uint64_t{bucket.rollup} << 32 | bucket.bucket);
  }
};

/// What one counter counts. A conversion has no split and population, an impression no goal, a
/// variant's conversion has all three.
struct CounterKey {
  NameId goal = 0;
  NameId split = 0;
  NameId population = 0;
  NameId rollup = 0;
  NameId bucket = 0;
  std::int32_t site = kAllSites;

  friend bool operator==(const CounterKey&, const CounterKey&) = default;
  /// As the table is keyed, so that a flush writes it from one end to the other.
  friend auto operator<=>(const CounterKey& a, const CounterKey& b) noexcept {
    return std::tie(a.goal, a.split, a.population, a.rollup, a.site, a.bucket) <=>
           std::tie(b.goal, b.split, b.population, b.rollup, b.site, b.bucket);
  }
  template <class Hash>
  friend Hash AbslHashValue(Hash hash, const CounterKey& key) {
    const auto pair = [](std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; };
    return Hash::combine(std::move(hash), pair(key.goal, key.split),
                         pair(key.population, key.rollup),
                         pair(key.bucket, static_cast<std::uint32_t>(key.site)));
  }
};

/// A goal's value squared, by visitor: the sum over visitors of (their sum of values, rounded to
/// six places) squared. For the intervals of statistics; of the goals of variants only.
struct SquareKey {
  NameId goal = 0;
  NameId split = 0;
  NameId population = 0;
  std::int32_t site = kAllSites;

  friend auto operator<=>(const SquareKey&, const SquareKey&) = default;
  template <class Hash>
  friend Hash AbslHashValue(Hash hash, const SquareKey& key) {
    return Hash::combine(std::move(hash), key.goal, key.split, key.population, key.site);
  }
};

struct CounterDelta {
  std::int64_t count = 0;  ///< visitors; negative where a complex goal was taken back
  Decimal value;
};

using CounterRow = std::pair<CounterKey, CounterDelta>;
using CounterRows = std::vector<CounterRow, base::HugeAllocator<CounterRow>>;

/// How a goal's values are to be read: the first record that said so decides.
struct GoalKind {
  NameId goal = 0;
  char value_type = 0;    ///< R, A, S, I; 0: nobody said
  char value_format = 0;  ///< N, C, P; 0: nobody said

  friend bool operator==(const GoalKind&, const GoalKind&) = default;
};

/// Smallest and largest timestamp of a split's records.
struct SplitSpan {
  NameId split = 0;
  UnixNanos first_at;
  UnixNanos last_at;
};

/// One visitor's history, encoded.
struct VisitorRow {
  std::string visitor;
  bool is_human = false;
  std::string history;
  std::int64_t last_s = 0;  ///< hour of the segment in which it changed last, since 1970
};

/// Rows that are made when they are written, for all at once would take much memory.
struct VisitorRows {
  std::size_t count = 0;
  /// The next rows, in order of the visitor, valid until the next call; none after the last.
  std::function<std::span<const VisitorRow>()> next;
};

/// How much one named tally grew: `record_page`, `skipped_bad_value`, `visitor_human`, ...
struct TallyDelta {
  std::string name;
  std::int64_t count = 0;
};

/// Bytes of a segment (by its path) that have been counted.
struct SegmentOffset {
  std::string file;
  std::uint64_t offset = 0;
  std::string begins = {};  ///< which file that was: log::Fingerprint
};

/// One flush. `counters` are sorted by key, each key once.
struct Flush {
  std::int64_t number = 0;  ///< 1 more than the store's last; tells whether a commit took place
  std::vector<std::pair<NameId, std::string>> names;
  CounterRows counters;
  std::vector<std::pair<SquareKey, SquareSum>> squares;  ///< sorted by key, each key once
  std::vector<GoalKind> goals;
  std::vector<SplitSpan> splits;
  VisitorRows visitors;
  std::vector<TallyDelta> tallies;
  std::vector<SegmentOffset> segments;
  std::string pointer;  ///< `file:offset` after the last record counted
  /// Visitors without a pixel whose last_s is before this second go, some a flush.
  std::optional<std::int64_t> forget_before_s;
};

}  // namespace manhattan::count
