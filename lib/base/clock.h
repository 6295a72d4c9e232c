// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace manhattan {

/// Nanoseconds since 1970-01-01T00:00:00Z.
using UnixNanos = std::chrono::sys_time<std::chrono::nanoseconds>;

}  // namespace manhattan

namespace manhattan::base {

/// Where time comes from; a test hands in its own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixNanos now() const noexcept = 0;
};

/// The machine's CLOCK_REALTIME.
class SystemClock final : public Clock {
 public:
  UnixNanos now() const noexcept override { return std::chrono::system_clock::now(); }
};

}  // namespace manhattan::base
