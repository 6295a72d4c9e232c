// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace manhattan::base {

/// Shows other threads whether one goes on with its work.
///
/// Threads: beat() and rest() on the one at work; now() on any.
class Pulse {
 public:
  static constexpr std::uint64_t kResting = 0;

  /// A piece of work begins or goes on.
  void beat() noexcept { now_.store(++beats_, std::memory_order_relaxed); }
  /// There is nothing to do, for however long.
  void rest() noexcept { now_.store(kResting, std::memory_order_relaxed); }

  /// kResting, or another number than before where it went on since.
  std::uint64_t now() const noexcept { return now_.load(std::memory_order_relaxed); }

 private:
  std::uint64_t beats_ = kResting;
  // relaxed, above: a number that only tells that time went on; nothing is read by it.
  std::atomic<std::uint64_t> now_ = kResting;
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
