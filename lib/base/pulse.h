// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "base/error.h"

namespace manhattan::base {

/// Work was given up in the middle. What it would have written is not; it can be done again.
struct Interrupted : Error {
  Interrupted() : Error("interrupted") {}
};

/// Shows other threads whether one goes on with its work, and lets them end it.
///
/// Threads: beat(), go_on() and rest() on the one at work; the others on any.
class Pulse {
 public:
  static constexpr std::uint64_t kResting = 0;

  /// A piece of work begins or goes on.
  void beat() noexcept { now_.store(++beats_, std::memory_order_relaxed); }
  /// The same, of work that may be given up: Interrupted where it is.
  void go_on() {
    beat();
    if (is_given_up()) throw Interrupted();
  }
  /// There is nothing to do, for however long.
  void rest() noexcept { now_.store(kResting, std::memory_order_relaxed); }

  /// kResting, or another number than before where it went on since.
  std::uint64_t now() const noexcept { return now_.load(std::memory_order_relaxed); }

  /// Whoever is at work is to end where it can, not where it would.
  void give_up() noexcept { is_given_up_.store(true, std::memory_order_relaxed); }
  bool is_given_up() const noexcept { return is_given_up_.load(std::memory_order_relaxed); }

 private:
  std::uint64_t beats_ = kResting;
  // relaxed, above: they only tell that time went on, or that it is up; nothing is read by them.
  std::atomic<std::uint64_t> now_ = kResting;
  std::atomic<bool> is_given_up_ = false;
};

/// A piece of work: the pulse beats at its beginning and rests at its end.
class Working {
 public:
  explicit Working(Pulse& pulse) noexcept : pulse_(pulse) { pulse_.beat(); }
  ~Working() { pulse_.rest(); }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  Pulse& pulse_;
};

}  // namespace manhattan::base
