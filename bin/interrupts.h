// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include <chrono>

namespace manhattan::program {

/// Holds SIGINT and SIGTERM back, so that work ends where it is whole and not in the middle.
///
/// Threads: made before any other thread.
class Interrupts {
 public:
  Interrupts() noexcept;

  /// One has come; it stays so.
  bool is_pending() const noexcept;
  /// Returns early when one comes.
  void sleep(std::chrono::nanoseconds most) noexcept;

 private:
  sigset_t signals_;
  bool is_taken_ = false;
};

}  // namespace manhattan::program
