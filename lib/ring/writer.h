// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "base/clock.h"
#include "ring/view.h"

namespace manhattan::ring {

/// What became of one frame.
enum class Write {
  written,
  full,      ///< no room; counted
  lost,      ///< the reader gave this writer up in the middle of it and counted it as abandoned
  too_long,  ///< more than kMaxPayloadBytes, or than a quarter of a shard
  damaged,   ///< the ring's words make no sense, or never stopped changing
};

/// Appends frames to a shared ring from inside a web request.
///
/// Owns:    nothing; the ring's memory must outlive the writer.
/// Threads: any number for each ring, one at a time for each writer.
/// Blocks:  never; no allocation, no lock; a system call only to wake the reader from its sleep.
/// Errors:  by value; a damaged ring must not damage a request.
class Writer {
 public:
  explicit Writer(const View& ring) noexcept;

  /// Copies `payload` in; readers see all of it or none. `at` is any time before now and after
  /// what this record must come behind.
  [[nodiscard]] Write append(std::uint8_t kind, UnixNanos at, std::string_view payload) noexcept;

  /// A record will follow soon: what that touches comes into this processor's caches meanwhile.
  /// Faults nowhere.
  void prefetch() const noexcept;

 private:
  struct Place {
    std::uint32_t shard;
    std::uint32_t cells;
    std::uint32_t owner;
    std::uint64_t position;
  };
  enum class Claim { taken, full, damaged };
  Claim reserve(Place& place) noexcept;
  bool claim_cell(const Place& place, Control seen) noexcept;
  bool has_room(const Place& place) noexcept;
  void move_tail(const Place& place, std::uint32_t cells) noexcept;
  Write commit(const Place& place) noexcept;
  Write refuse(Claim why) noexcept;

  View ring_;
  bool can_be_watched_;              ///< shares the pid namespace of the reader
  std::uint32_t last_shard_ = 0;     ///< that it wrote to
  std::uint64_t next_position_ = 0;  ///< there, unless others write to it, too
};

}  // namespace manhattan::ring
