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

}  // namespace manhattan::ring
