// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ring/view.h"

namespace manhattan::ring {

/// A frame as an observer sees it.
struct Observed {
  std::uint8_t kind = 0;
  UnixNanos at;
  std::string payload;
};

/// Follows a ring without taking anything from it and without anybody noticing.
///
/// Owns:    nothing; the memory, which may be read-only, must outlive it.
/// Threads: one; any number of cursors for a ring.
/// Blocks:  in sleep() only.
/// Errors:  by value.
class Cursor {
 public:
  enum class From { oldest, now };
  Cursor(const View& ring, From from);

  enum class Next {
    frame,
    nothing,  ///< not yet
    overrun,  ///< writers lapped the cursor, or frames are damaged: some are passed over
  };
  /// The next frame of any shard, each shard in its order. What it copied is checked after the
  /// copy, so that no half of one frame is ever taken for a frame.
  [[nodiscard]] Next next(Observed& frame);
  /// What the last overrun passed over: at most so many frames, for each takes a cell or more.
  std::uint64_t most_missed() const noexcept { return most_missed_; }

  /// To be asked for before next() says nothing, for sleep().
  std::uint32_t moves() const noexcept;
  /// Sleeps until the reader has taken frames since `seen`, a signal, or `timeout`.
  void sleep(std::uint32_t seen, std::chrono::nanoseconds timeout) const noexcept;

 private:
  Next next_of(std::uint32_t shard, Observed& frame);
  bool copy(std::uint32_t shard, std::uint64_t position, Observed& frame);
  Next jump(std::uint32_t shard);
  bool is_stranded(std::uint32_t shard) const noexcept;

  View ring_;
  std::vector<std::uint64_t> positions_;
  std::uint32_t turn_ = 0;
  std::uint64_t most_missed_ = 0;
};

}  // namespace manhattan::ring
