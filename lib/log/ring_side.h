// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "log/journal.h"
#include "ring/reader.h"
#include "ring/ring_file.h"

namespace manhattan::log {

/// The ring's file was cut short under us: nothing in it can be had any more.
struct RingCut : Error {
  RingCut() : Error("the ring was cut short") {}
};

/// The ring's side of a drain: lock, mapping and reader of one ring.
///
/// Owns:    the lock, so that there is one drain of the ring.
/// Threads: one; tallies() and wake() from any.
/// Errors:  the constructor throws ConfigError where the ring is missing, foreign or drained by
///          another process, or IoError. The others throw RingCut; then only destroying it is left.
class RingSide {
 public:
  explicit RingSide(const std::string& path);

  const ring::Reader& reader() const noexcept { return reader_; }
  std::uint64_t epoch() const noexcept { return mapping_.view().epoch; }
  std::uint64_t file_bytes() const noexcept { return mapping_.memory().size(); }
  bool is_current(const std::string& path) const noexcept { return mapping_.is_current(path); }

  /// Writers find in its header what they need to write here, and were not told to leave.
  bool is_sound() const;

  /// Takes up where `done` says; where that was in another ring, at this one's own heads.
  void resume(const Step& done);
  void begin(UnixNanos now) noexcept { reader_.begin(now); }
  void take(UnixNanos bound, ring::Batch& batch);
  void publish();

  /// Tells writers to look for another ring.
  void retire(UnixNanos now);
  bool is_retired() const noexcept { return is_retired_; }
  UnixNanos retired_at() const noexcept { return retired_at_; }

  /// For sleep(): changes with each wake().
  std::uint32_t wakes() const;
  void sleep(ring::Reader::Until until, std::uint32_t seen, std::chrono::nanoseconds timeout,
             const ring::Seen& other);
  /// The same, but whatever the ring holds.
  void nap(std::uint32_t seen, std::chrono::nanoseconds timeout) const;
  void wake() const;

  struct Tallies {
    std::uint64_t dropped = 0;
    std::uint64_t full = 0;
    std::uint64_t used_cells = 0;
    std::uint64_t cells = 0;
  };
  Tallies tallies() const;

 private:
  void touch(const std::function<void()>& body) const;

  base::UniqueFd lock_;
  ring::Mapping mapping_;
  ring::Reader reader_;
  bool is_retired_ = false;
  UnixNanos retired_at_{};
};

}  // namespace manhattan::log
