// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/files.h"
#include "log/log.h"

namespace manhattan {

/// Appends to the shared-memory ring that manhattan-server drains into the text log.
///
/// The ring is attached at the first append and again when another takes its place. Where there is
/// none, or it is full, foreign or forbidden, the record goes to `PREFIX.spill`, which the server
/// takes in; where that fails too it is dropped, and counted in the ring once there is one.
///
/// Owns:    the mapping; `files` must outlive it.
/// Threads: one at a time; each thread or process has its own.
/// Blocks:  never on a lock; on the disk only when it spills.
/// Errors:  by value.
class RingLog final : public Log {
 public:
  /// An empty `prefix` forbids spilling.
  RingLog(std::string ring_path, std::string prefix, base::Files& files);
  ~RingLog() override;
  RingLog(RingLog&&) noexcept;

  void prefetch() noexcept override;
  Append append(UnixNanos at, std::string_view line) noexcept override;

  /// Takes over the process's handler of SIGBUS, so that a ring which somebody cuts short under a
  /// writer costs no request: its records spill. For programs; a library leaves signals alone.
  static void survive_cut_rings() noexcept;

  /// Dropped by this object and not yet counted in a ring.
  std::uint64_t uncounted_drops() const noexcept;

 private:
  struct Inside;  // keeps the ring's own headers out of this public one
  std::unique_ptr<Inside> inside_;
};

}  // namespace manhattan
