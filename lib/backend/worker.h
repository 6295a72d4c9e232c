// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "backend/freshness.h"
#include "base/clock.h"
#include "base/pulse.h"
#include "log/tailer.h"
#include "log/watch.h"

namespace manhattan::backend {

/// Follows a text log and counts it into a store, until told to stop.
///
/// A store that fails is opened again, with growing pauses, and counting goes on from what it
/// holds; the log waits meanwhile, memory stays flat. Once it has counted, run() does so whatever
/// is wrong with the store, for somebody may be mending it: a dropped database, a changed password.
/// Threads: run() and run_once() on one; the rest from any.
/// Errors:  IoError (the log). At the start also ConfigError, and StoreError that waiting does not
///          mend; of run_once(), every StoreError.
class Worker {
 public:
  Worker(Backend::Options options, base::Files& files, std::string prefix,
         log::Tailer::Declared declared, base::MessageLog& messages);

  /// Returns after stop(), with what is in the log by then counted and committed as far as a moment
  /// is enough for that and the store answers.
  void run();
  /// Counts what is there, and returns; Interrupted where it was stopped before.
  void run_once();

  /// A piece of the log that was counted.
  struct Step {
    std::uint64_t bytes = 0;
    std::int64_t records = 0;
    std::optional<UnixNanos> at = {};  ///< when its first record happened
    std::uint64_t left_bytes = 0;      ///< of the log, not read yet
    std::chrono::steady_clock::duration took{};
  };
  using Observer = std::function<void(const Step&)>;
  /// Tells `observer` of each step, on the thread that counts. Before that starts.
  void observe(Observer observer) { observer_ = std::move(observer); }

  /// The log has grown (needed where `declared` tells how far it is complete).
  void wake() noexcept { watch_.wake(); }
  void stop() noexcept;
  /// A commit under way is rolled back, and run() returns: what it held is counted again by whoever
  /// opens the store next.
  void give_up() noexcept { pulse_.give_up(); }

  /// Before a question is answered: what was read more than a second ago is committed, which under
  /// load nothing else may have caused for half a minute. Waits for it, a second at most, but not
  /// while a log is being caught up with.
  void freshen();

  /// What only this process knows: `worker_*`.
  std::map<std::string, std::int64_t> live_tallies() const;
  /// When the oldest record happened that was read and is not committed; none: all are.
  std::optional<UnixNanos> uncommitted_since() const noexcept;

 private:
  enum class Until { stopped, end_of_log };

  /// What other threads see.
  struct Live {
    std::atomic<std::int64_t> handled_records = 0, lag_bytes = 0;
    std::atomic<std::int64_t> cache_misses = 0, cached_visitors = 0;
    std::atomic<std::int64_t> flushes = 0, flush_last_us = 0, flush_max_us = 0, flush_total_us = 0;
    std::atomic<std::int64_t> store_failures = 0;
    std::atomic<std::int64_t> uncommitted_since_ns = 0;  ///< 0: all is committed
  };

  void follow(Until until);
  void report_failure(const std::string& what);
  void report_start(const Backend& backend);
  void step_or_wait(Backend& backend, log::Tailer& tailer);
  bool step(Backend& backend, log::Tailer& tailer);
  void wait(Backend& backend, log::Tailer& tailer);
  void flush(Backend& backend, log::Tailer& tailer);
  void sync(log::Tailer& tailer);
  void note_handled(const Backend& backend, const log::Batch& batch, std::int64_t records);
  void report_step(Step step, log::Tailer& tailer);
  void look_for_pixels();
  void note_flush(std::chrono::steady_clock::duration took);

  base::Pulse unseen_pulse_;  // beats where nobody gave one
  base::Pulse& pulse_;        // of the thread that counts
  Backend::Options options_;
  base::Files& files_;
  const std::string prefix_;
  const log::Tailer::Declared declared_;
  base::MessageLog& messages_;
  log::Watch watch_;
  std::atomic<bool> is_stopping_ = false;
  bool has_opened_ = false;   ///< the store, at least once
  std::string last_failure_;  ///< of the store, so far as it was said and not mended since
  Freshness freshness_;
  std::chrono::steady_clock::time_point synced_at_;
  std::chrono::steady_clock::duration most_catching_up_{};
  bool is_watching_pixels_ = true;  ///< none has come yet, and nobody was told
  std::int64_t cache_misses_ = 0;   ///< of the backend at hand, noted so far
  Observer observer_;
  std::uint64_t left_bytes_ = 0;
  Live live_;
};

}  // namespace manhattan::backend
