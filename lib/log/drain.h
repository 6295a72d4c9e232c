// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "log/segment.h"

namespace manhattan::log {

/// What the drains of a prefix have done since its lock file was made.
struct DrainCounters {
  std::uint64_t drained_records = 0;    ///< from the ring into the text log
  std::uint64_t taken_in_records = 0;   ///< from the spill log into the text log
  std::uint64_t abandoned_records = 0;  ///< their writers died or stalled in the middle of one
  std::uint64_t corrupt_records = 0;    ///< checksum, length or control word impossible
  std::uint64_t torn_spills = 0;        ///< pieces of a spill file that are no record
  // Counted by writers since the ring was made, or those before it that this drain had.
  std::uint64_t dropped_records = 0;    ///< neither ring nor spill log could take them
  std::uint64_t full_ring_records = 0;  ///< found the ring full, and spilled or dropped
  // This drain's own.
  std::uint64_t lost_rings = 0;  ///< cut short, with all that waited in them
  // At this moment.
  std::uint64_t ring_bytes = 0;
  std::uint64_t ring_used_bytes = 0;
  /// All records older than that are in the log; zero where the ring is empty.
  std::chrono::nanoseconds behind{0};
};

/// The ring was cut short and is lost, or was spoilt, or what has taken its place can't be used.
/// The drain goes on with what it has; the next pass tries again.
struct RingError : Error {
  using Error::Error;
};

/// Moves records from the ring and the spill log into the text log, each exactly once across
/// kill -9 at any instruction. It has the log to itself: see TimeRotatingLog for the other way.
///
/// Owns:    the locks of ring and prefix, so that there is one drain of each; `files` and `clock`
///          must outlive it.
/// Threads: one calls recover(), pass() and wait(); any may call declared(), counters() and wake().
/// Errors:  ConfigError where the ring is missing or foreign, or another process drains it; IoError
///          where the log can't be written: nothing is lost, the next pass tries again; RingError.
///
/// Where the ring's file is renamed or removed, it is drained on for a second, until its writers
/// have left it, and then the one at `ring_path`, which is made where there is none.
class Drain {
 public:
  /// `ring_path` "none" or empty: only the spill log is taken in. `tell` hears of files that only
  /// have a segment's name.
  Drain(const std::string& ring_path, const std::string& prefix, base::Files& files,
        const base::Clock& clock, Segments::Tell tell = {});
  ~Drain();

  /// Masks the addresses of what goes into the log from here on. Before recover().
  void anonymize() noexcept;

  /// Finishes or takes back what an earlier drain was killed in. Once, before the first pass.
  void recover();

  /// Moves what is there as it begins, and mostly no more: what comes meanwhile is for the next
  /// one. Returns the number of records. Zero: nothing, or nothing ripe yet.
  std::size_t pass();

  /// The segment, and up to where it is complete; earlier segments are complete. Valid after
  /// recover(). Nothing where there is no ring: others write the log, and it is complete up to its
  /// last newline.
  std::optional<Written> declared() const;

  /// Sleeps until there is something for pass(), wake() or `timeout`. Spills of writers that can't
  /// reach the ring, and changes of the ring's file, end it with a DrainAlarm alone.
  void wait(std::chrono::milliseconds timeout);

  /// Ends wait(), now or the next one.
  void wake() noexcept;

  DrainCounters counters() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace manhattan::log
