// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/message_log.h"
#include "base/pulse.h"
#include "log/archive.h"

namespace manhattan::log {

/// Compresses the hours of a text log that are over, and deletes old ones. Only what a store has
/// counted, never the newest, and no file that Segments would not have destroyed.
///
/// Nothing is deleted on the word of a clock alone. By age it is where records of a day ago prove
/// that the clock is right, or where a day has passed since they last did by a clock that nobody
/// sets.
///
/// A compressed hour takes the plain one's place at once: a kill leaves the plain file, or both
/// with the same in them, of which readers take the plain one.
///
/// Owns:    nothing; `files` and `messages` must outlive it.
/// Threads: pass() on one; the rest from any.
/// Errors:  a file that can't be had, or a full disk, is told and tried again in the next pass;
///          IoError where the folder can't be read, and what `counted` throws.
class Keeper {
 public:
  struct Rules {
    bool is_compressing = false;
    std::optional<std::chrono::hours> keep_for = {};  ///< since an hour's end
    std::optional<std::uint64_t> keep_bytes = {};     ///< on the disk, of all of the log
    /// In place of deleting and compressing: told what would be deleted, and why.
    std::function<void(const std::string& path, const std::string& why)> dry_run = {};
    bool is_idle() const noexcept { return !is_compressing && !keep_for && !keep_bytes; }
  };
  /// Bytes of each segment that are counted; asked once a pass that has something to do.
  using Counted = std::function<std::map<std::string, std::uint64_t>()>;

  Keeper(std::string prefix, Rules rules, base::Files& files, Counted counted,
         base::MessageLog& messages);

  /// For the passes that follow; on the thread of pass().
  void follow(const Rules& rules) noexcept { rules_ = rules; }
  /// `declared`: the segment that is written now, where one server writes the log alone.
  /// `has_run`: since the start, by a clock that nobody sets.
  /// When to call it again: at the end of the next hour, or sooner where something is left to do.
  UnixNanos pass(UnixNanos now, const std::optional<Pointer>& declared,
                 std::chrono::nanoseconds has_run);
  /// Ends a pass() early, and all later ones.
  void stop() noexcept { is_stopping_ = true; }

  /// Beats piece by piece while a pass() has something to do.
  const base::Pulse& pulse() const noexcept { return pulse_; }
  /// `log_compressed`, `log_deleted`: files, since the start.
  std::map<std::string, std::int64_t> tallies() const;

 private:
  std::vector<std::string> finished(UnixNanos now, const std::optional<Pointer>& declared);
  bool is_too_old(const std::string& path, UnixNanos now) const;
  UnixNanos end_of(const std::string& path) const;
  bool is_clock_proven(UnixNanos now, const std::vector<std::string>& segments);
  bool is_clock_believed(UnixNanos now, std::chrono::nanoseconds has_run,
                         const std::vector<std::string>& old);
  void keep(const std::string& path);
  bool is_counted(const std::string& path);
  bool is_known_to_store(const std::string& path);
  template <class Attempt>
  void shrink(const std::vector<std::string>& kept, const Attempt& attempt);
  void compress(const std::string& path);
  bool may_be_destroyed(const std::string& path);
  std::uint64_t bytes_of(const std::string& path);
  bool write_compressed(int from, std::uint64_t size, const std::string& path);
  bool remove(const std::string& path, const char* why);

  Segments segments_;
  ArchiveFiles archive_;
  Rules rules_;
  base::Files& files_;
  const Counted ask_counted_;
  base::MessageLog& messages_;
  base::Pulse pulse_;
  std::optional<std::map<std::string, std::uint64_t>> counted_;  // of this pass, once asked
  std::chrono::nanoseconds proven_at_{0};                        ///< the clock, by has_run
  bool is_left_ = false;  // something of this pass, that the store has to count first
  std::atomic<bool> is_stopping_ = false;
  std::atomic<std::int64_t> compressed_ = 0;
  std::atomic<std::int64_t> deleted_ = 0;
};

}  // namespace manhattan::log
