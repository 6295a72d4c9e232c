// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/shard.h"
#include "base/lane.h"
#include "base/message_log.h"
#include "base/pulse.h"
#include "count/counting.h"
#include "log/tailer.h"
#include "store/store.h"

namespace manhattan {

/// Counts the records of a text log into a store, exactly once.
///
/// What was handled since the last flush is only in memory; a new Backend begins where the store
/// is. So after any StoreError, throw this one away, make another, and read the log from
/// segments() on: nothing is lost or counted twice.
///
/// Owns:    the store and the cache; `messages` must outlive it.
/// Threads: one.
/// Errors:  StoreError; Interrupted where `pulse` gave up; ConfigError from the constructor where
///          the store was made with other rollups, complex goals or bounds.
class Backend {
 public:
  struct Options {
    store::Location location;
    /// The log that the store is of, and of no other; empty: of whatever is handled.
    std::string log_prefix;
    count::Rules rules;
    std::int64_t flush_every_records = 10'000'000;
    std::int64_t cache_visitors = 200'000;
    std::int64_t threads = 1;      ///< that count, each its own visitors
    bool is_anonymized = false;    ///< addresses are masked before anything is counted or kept
    base::Pulse* pulse = nullptr;  ///< beats as counting and a commit go on, and may give them up
  };

  Backend(const Options& options, base::MessageLog& messages);
  /// ConfigError where a store that remembers these `settings` was counted in another way than
  /// `options` say: the same that the constructor throws.
  static void check_settings(const std::map<std::string, std::string>& settings,
                             const Options& options);
  ~Backend();

  /// Counts every line of the batch.
  void handle(const log::Batch& batch);
  /// Commits what was handled; the caller has made the log durable up to there (Tailer::sync).
  void flush();

  bool has_unflushed() const noexcept { return unflushed_records_ > 0 || !unflushed_.empty(); }
  bool is_flush_due() const noexcept;
  /// `file:offset` after the last record committed.
  const std::string& pointer() const noexcept { return pointer_; }
  /// How far each segment is committed.
  const log::ConsumedSegments& segments() const noexcept { return segments_; }
  std::int64_t unflushed_records() const noexcept { return unflushed_records_; }
  /// How often the store was asked for a visitor.
  std::int64_t cache_misses() const noexcept;
  std::int64_t cached_visitors() const noexcept;

 private:
  void load();
  void keep_settings(const store::State& state);
  std::int64_t proven_hour(std::int64_t hour_s) const;
  std::int64_t forgotten_before(std::int64_t hour_s) const;
  void make_shards();
  void count_lines(const log::Batch& batch);
  /// Calls job(i) for each shard, side by side, after all that it was given before.
  void for_each_shard(const std::function<void(std::size_t)>& job);

  const Options options_;
  base::MessageLog& messages_;
  std::unique_ptr<store::Store> store_;
  std::int64_t flush_number_ = 0;
  std::string pointer_;
  log::ConsumedSegments segments_;
  log::ConsumedSegments unflushed_;  // how far segments are handled
  std::string unflushed_pointer_;
  std::int64_t unflushed_records_ = 0;
  std::uint64_t handled_bytes_ = 0;
  std::int64_t hour_s_ = 0;                      // of the segment at hand
  std::int64_t forgotten_before_s_ = 0;          // visitors without a pixel not met since
  std::map<std::int64_t, std::uint64_t> hours_;  // bytes that were handled of each hour's segment
  count::Tallies tallies_;                       // of what belongs to no shard
  std::unique_ptr<count::Names> names_;
  std::unique_ptr<count::GoalKinds> kinds_;
  std::unique_ptr<backend::Shared> shared_;
  std::vector<std::unique_ptr<backend::Shard>> shards_;
  backend::Divider divider_;
  std::shared_ptr<backend::Shard::Work> work_;      // given to the shards last
  std::vector<std::unique_ptr<base::Lane>> lanes_;  // one a shard; none where there is but one
};

}  // namespace manhattan
