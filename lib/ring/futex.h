// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace manhattan::ring {

/// Bumps `word` and wakes who sleeps on it, in whatever process. Safe in a signal handler.
void notify(std::atomic<std::uint32_t>& word) noexcept;

/// Sleeps while `word` is `seen` (loaded with acquire), at most for `timeout`; may return early.
void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t seen,
              std::chrono::nanoseconds timeout) noexcept;

/// A word, and what it was when it was looked at (with acquire).
struct Seen {
  std::atomic<std::uint32_t>& word;
  std::uint32_t value;
};

/// Sleeps while both are as they were seen. One in a file that was cut short can't be woken any
/// more: then the other still can.
void sleep_on(const Seen& one, const Seen& other, std::chrono::nanoseconds timeout) noexcept;

}  // namespace manhattan::ring
