// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/divider.h"
#include "backend/history_cache.h"
#include "base/message_log.h"
#include "base/pulse.h"
#include "base/text_map.h"
#include "count/counting.h"
#include "count/robots.h"
#include "log/tailer.h"
#include "record/text_codec.h"
#include "store/store.h"

namespace manhattan::backend {

/// A cookie lives for a year after the visitor's last page: who never proved to be human and was
/// not met for twice that does not come back.
inline constexpr std::int64_t kForgottenAfterS = 2 * 366 * 86400;

/// What the shards of a backend ask for in common, one at a time.
///
/// Owns:    nothing; its parts must outlive it.
/// Threads: any.
/// Errors:  StoreError.
class Shared {
 public:
  Shared(store::Store& store, count::Names& names, base::MessageLog& messages)
      : store_(store), names_(names), messages_(messages) {}

  count::NameId id_of(std::string_view name);
  std::optional<count::NameId> known_id(std::string_view name);
  std::vector<count::VisitorRow> find_visitors(std::span<const std::string> visitors);
  /// A line was left out for `reason`; the first one is reported.
  void report_skipped(std::string_view reason, const log::Pointer& end);

 private:
  std::mutex mutex_;
  store::Store& store_;
  count::Names& names_;
  base::MessageLog& messages_;
  std::set<std::string, std::less<>> reported_;
};

/// Counts the lines of its visitors, whom no other shard of the backend has.
///
/// Owns:    their histories, and what they changed since the last flush.
/// Threads: one at a time; load() any.
/// Errors:  StoreError; Interrupted where it was given up.
class Shard {
 public:
  struct Options {
    std::size_t number = 0, shards = 1;  ///< it is this one of so many
    std::size_t cache_visitors = 0;
    bool is_anonymized = false;
    bool is_store_new = false;           ///< it knows no visitor that it was not given
    const base::Pulse* pulse = nullptr;  ///< may give counting up; null: nobody does
  };

  Shard(const Options& options, const count::Rules& rules, Shared& shared);

  /// A batch to be counted.
  struct Work {
    log::Batch batch;
    std::string text = {};       ///< the batch's lines where they outlive the tailer's
    std::uint64_t position = 0;  ///< of the batch; grows with each
    std::int64_t hour_s = 0;     ///< of its segment
    /// Visitors without a pixel who were not met since are forgotten.
    std::int64_t forgotten_before_s = 0;
    std::vector<Divider::Lines> lines = {};  ///< by shard; each with its newline behind, or the end
  };
  /// Counts the shard's lines.
  void handle(const Work& work);

  count::Counters& counters() noexcept { return counters_; }
  HistoryCache& cache() noexcept { return cache_; }

  /// As it was after its last batch.
  struct Load {
    std::atomic<std::size_t> visitors = 0;       ///< in the cache
    std::atomic<bool> is_overfull = false;       ///< the cache
    std::atomic<std::size_t> counters = 0;       ///< changed since the last flush
    std::atomic<std::int64_t> cache_misses = 0;  ///< how often the store was asked for a visitor
  };
  const Load& load() const noexcept { return load_; }
  /// What changed is committed.
  void trim();

 private:
  using Entry = HistoryCache::Entry;
  using Key = HistoryCache::Key;

  /// A line on its way: decoded, its visitor looked for, counted.
  struct Ahead {
    std::string_view line;
    std::uint64_t end = 0;  ///< in its batch, with its newline
    record::Verdict verdict = record::Verdict::ok;
    Record record;
    Key visitor;
    Entry* entry = nullptr;
    std::string scratch, id, masked;
  };
  static constexpr std::size_t kMostAhead = 32;

  /// The store was new and every visitor since is in the cache: it need not be asked.
  bool knows_all_visitors() const noexcept;
  void fetch_unknown(const Divider::Lines& lines);
  void decode(std::string_view line, Ahead& ahead);
  void handle_ahead(std::span<Ahead> lines, const Work& work);
  Entry& entry_of(Ahead& ahead);
  void receive(const Ahead& ahead, Entry& entry);
  std::string_view without_visitor(std::string_view line);
  void release_waiting(count::History& history);
  void leave_out(count::History& history);

  const Options options_;
  Shared& shared_;
  count::Names names_;
  count::Counters counters_;
  count::Counting counting_;
  count::Robots robots_;
  HistoryCache cache_;
  Load load_;
  std::array<Ahead, kMostAhead> ahead_;
  const std::size_t most_waiting_bytes_;
  std::int64_t hour_s_ = 0;  // of the segment at hand
  std::int64_t forgotten_before_s_ = 0;
  /// Ids in the batch at hand that the store was asked for; views of its lines.
  absl::flat_hash_set<std::string_view, base::TextHash> asked_for_;
  std::string scratch_;
  std::string waiting_;  // lines that have waited
};

}  // namespace manhattan::backend
