// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "base/clock.h"

namespace manhattan {

/// What became of one appended record.
enum class Append {
  written,  ///< in the ring or the text log
  spilled,  ///< the ring was full or absent: in the spill log, which the server takes in
  dropped,  ///< neither could take it; it is counted
};

/// Where a web request's records go: RingLog, TimeRotatingLog or MemoryLog.
///
/// Threads: one thread at a time for each object; many objects and processes for one log.
/// Errors:  by value: an append never throws and never makes the request wait.
class Log {
 public:
  virtual ~Log() = default;

  /// A record will follow in some hundred nanoseconds: what that touches may come nearer meanwhile.
  virtual void prefetch() noexcept {}
  /// Appends one record as its line of the text log (record::encode), newline included.
  /// `at` is the record's timestamp.
  [[nodiscard]] virtual Append append(UnixNanos at, std::string_view line) noexcept = 0;
};

}  // namespace manhattan
