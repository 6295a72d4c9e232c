// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "count/delta.h"
#include "store/location.h"

namespace manhattan::store {

/// The database failed. After any StoreError the connection is gone: reopen the store. Whether a
/// commit took place is told by State::flush_number after that.
struct StoreError : Error {
  enum class Retry {
    yes,  ///< a deadlock, a lost connection, a full disk: the same flush may pass later
    no,   ///< a wrong password, a missing right, damaged data: waiting does not help
  };
  StoreError(const std::string& what, Retry retry_) : Error(what), retry(retry_) {}
  const Retry retry;
};

/// What a store remembers besides counters and visitors.
struct State {
  std::int64_t flush_number = 0;  ///< of the last committed flush; 0: a new store
  count::NameId largest_name = 0;
  std::string pointer;
  std::vector<count::SegmentOffset> segments;
  std::map<std::string, std::string> settings;  ///< rollups, complex goals, zone: see Store::set
};

struct Counter {
  std::int64_t count = 0;
  Decimal value;
};

/// Which counters are asked for; names as written, empty for none.
struct CounterQuery {
  std::string goal = {};
  std::string split = {};
  std::string population = {};
  std::string rollup = "all";
  std::int32_t site = count::kAllSites;
};

struct BucketCounter {
  std::string bucket;
  Counter counter;
};

struct SplitInfo {
  std::string name;
  UnixNanos first_at;
  UnixNanos last_at;
};

struct GoalInfo {
  std::string name;
  char value_type = 0;
  char value_format = 0;
};

/// Reads what is committed, on a connection of its own. All reads between begin() and end() see one
/// state of the store; outside of them each sees its own. Never writes.
///
/// Threads: one at a time.
/// Errors:  StoreError; the next begin() connects anew.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual void begin() = 0;
  virtual void end() noexcept = 0;
  /// Zero where there is no such counter.
  virtual Counter counter(const CounterQuery& query, const std::string& bucket) = 0;
  /// Sum over visitors of the square of each one's sum of values since the variant; of all time.
  virtual SquareSum square(const CounterQuery& query) = 0;
  /// Visitors who were shown more than one population of `split`.
  virtual std::int64_t shown_several(const std::string& split, std::int32_t site) = 0;
  /// The first `most` buckets of a rollup, by name, from `first` to `last`; empty bounds are open.
  /// And those with the largest counts.
  virtual std::vector<BucketCounter> series(const CounterQuery& query, const std::string& first,
                                            const std::string& last, std::size_t most) = 0;
  virtual std::vector<BucketCounter> largest(const CounterQuery& query, std::size_t most) = 0;
  /// Every goal counted so far, by name.
  virtual std::vector<GoalInfo> goals() = 0;
  virtual std::optional<GoalInfo> goal(const std::string& name) = 0;
  /// Latest `last_at` first.
  virtual std::vector<SplitInfo> splits() = 0;
  /// Populations seen of a split, by name.
  virtual std::vector<std::string> populations(const std::string& split) = 0;
  virtual std::map<std::string, std::int64_t> tallies() = 0;
  virtual std::string pointer() = 0;
  /// What the store remembers of how it was counted, State::settings.
  virtual std::map<std::string, std::string> settings() = 0;
  /// Bytes of each segment (by its path) that are counted.
  virtual std::map<std::string, std::uint64_t> segments() = 0;
};

/// Counters, histories and pointer in a database, which commit together.
///
/// A connection that the database closed while it was idle is made anew without a word.
/// Threads: one at a time.
/// Errors:  StoreError; the object is of no more use then.
class Store {
 public:
  virtual ~Store() = default;

  virtual State load() = 0;
  /// Keeps other programs from counting here for as long as this lives. StoreError (retry) where
  /// one does already.
  virtual void claim() = 0;
  /// Remembers one setting of a new store, at once and for good.
  virtual void set(const std::string& name, const std::string& value) = 0;
  /// Writes and takes it back: a store that can't be written is told before there is anything to
  /// commit.
  virtual void check_writable() = 0;
  /// The names among these that have a number already; unknown ones are nothing.
  virtual std::optional<count::NameId> find_name(std::string_view name) = 0;
  virtual std::optional<count::GoalKind> find_goal(count::NameId goal) = 0;
  /// Histories of visitors; those unknown are left out.
  virtual std::vector<count::VisitorRow> find_visitors(std::span<const std::string> visitors) = 0;
  /// Everything of one flush in one transaction, durable when it returns; base::Interrupted where
  /// it was given up, and rolled back. A flush whose number
  /// is not State::flush_number + 1 is refused (StoreError, no retry): somebody else writes here.
  virtual void commit(const count::Flush& flush) = 0;
  /// Takes away all that is remembered of these visitors, at once and durably; counters and tallies
  /// stay. How many it knew. Whoever else writes to the store is refused its next commit.
  virtual std::int64_t forget(std::span<const std::string> visitors) = 0;
};

}  // namespace manhattan::store
