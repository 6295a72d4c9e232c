// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/history_cache.h"
#include "base/message_log.h"
#include "base/pulse.h"
#include "count/counting.h"
#include "log/tailer.h"
#include "record/text_codec.h"
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
/// Errors:  StoreError; ConfigError from the constructor where the store was made with other
///          rollups or complex goals.
class Backend {
 public:
  struct Options {
    store::Location location;
    /// The log that the store is of, and of no other; empty: of whatever is handled.
    std::string log_prefix;
    count::Rules rules;
    std::int64_t flush_every_records = 10'000'000;
    std::int64_t cache_visitors = 200'000;
    bool is_anonymized = false;    ///< addresses are masked before anything is counted or kept
    base::Pulse* pulse = nullptr;  ///< see store::Location::open()
  };

  Backend(const Options& options, base::MessageLog& messages);
  ~Backend();

  /// Counts every line of the batch.
  void handle(const log::Batch& batch);
  /// Commits what was handled; the caller has made the log durable up to there (Tailer::sync).
  void flush();

  bool has_unflushed() const noexcept { return unflushed_records_ > 0 || !unflushed_.empty(); }
  bool is_flush_due() const noexcept;
  /// `file:offset` after the last record committed.
  const std::string& pointer() const noexcept { return pointer_; }
  /// Bytes of each segment that are committed.
  const std::map<std::string, std::uint64_t>& segments() const noexcept { return segments_; }
  std::int64_t unflushed_records() const noexcept { return unflushed_records_; }
  /// How often the store was asked for a visitor.
  std::int64_t cache_misses() const noexcept { return cache_misses_; }
  std::int64_t cached_visitors() const noexcept { return static_cast<std::int64_t>(cache_.size()); }

 private:
  using Entry = backend::HistoryCache::Entry;
  using Key = backend::HistoryCache::Key;

  /// A line on its way: decoded, its visitor looked for, counted.
  struct Ahead {
    std::string_view line;
    std::uint64_t end = 0;  ///< in its segment
    record::Verdict verdict = record::Verdict::ok;
    Record record;
    Key visitor;
    Entry* entry = nullptr;
    std::string scratch, id, masked;
  };
  static constexpr std::size_t kMostAhead = 32;

  void load();
  void check_settings(const store::State& state);
  /// The store was new and every visitor since is in the cache: it need not be asked.
  bool knows_all_visitors() const noexcept;
  void fetch_unknown(std::string_view lines);
  void decode(std::string_view line, std::uint64_t end, Ahead& ahead);
  void handle_ahead(std::span<Ahead> lines, const std::string& file);
  Entry& entry_of(Ahead& ahead);
  void receive(const Ahead& ahead, Entry& entry);
  void release_waiting(count::History& history);
  void leave_out(count::History& history);
  void skip(std::string_view reason, const log::Pointer& where);

  const Options options_;
  base::MessageLog& messages_;
  std::unique_ptr<store::Store> store_;
  std::int64_t flush_number_ = 0;
  bool was_new_ = false;
  std::string pointer_;
  std::map<std::string, std::uint64_t> segments_;
  std::map<std::string, std::uint64_t> unflushed_;  // segments and how far they are handled
  std::string unflushed_pointer_;
  std::int64_t unflushed_records_ = 0;
  std::unique_ptr<count::Names> names_;
  std::unique_ptr<count::Counters> counters_;
  std::unique_ptr<count::Counting> counting_;
  count::Robots robots_;
  backend::HistoryCache cache_;
  std::int64_t cache_misses_ = 0;
  std::array<Ahead, kMostAhead> ahead_;
  std::int64_t hour_s_ = 0;  // of the segment at hand
  /// Ids in the batch at hand that the store was asked for; views of its lines.
  absl::flat_hash_set<std::string_view, base::TextHash> asked_for_;
  std::string scratch_;
  std::map<std::string, bool, std::less<>> reported_reasons_;
};

}  // namespace manhattan
