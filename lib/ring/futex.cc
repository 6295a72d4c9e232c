// SPDX-License-Identifier: MIT
#include "ring/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace manhattan::ring {
namespace {

// Where the kernel can't wait for two words, before Linux 5.16, or a filter of calls says no.
constexpr std::chrono::seconds kLookEvery{1};

futex_waitv waiter(const Seen& seen) noexcept {
  return {seen.value, reinterpret_cast<std::uintptr_t>(&seen.word), FUTEX_32, 0};
}

}  // namespace

void notify(std::atomic<std::uint32_t>& word) noexcept {
  const int kept_errno = errno;
  // release: pairs with the acquire load before sleep_on; the sleeper sees what it was woken for.
  word.fetch_add(1, std::memory_order_release);
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  errno = kept_errno;
}

void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t seen,
              std::chrono::nanoseconds timeout) noexcept {
  if (timeout.count() <= 0) return;
  const auto whole_s = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec limit{whole_s.count(), (timeout - whole_s).count()};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

void sleep_on(const Seen& one, const Seen& other, std::chrono::nanoseconds timeout) noexcept {
  if (timeout.count() <= 0) return;
  futex_waitv waiters[] = {waiter(one), waiter(other)};
  timespec end{};
  ::clock_gettime(CLOCK_MONOTONIC, &end);
  const auto end_ns = std::chrono::nanoseconds(end.tv_nsec) + timeout;
  end.tv_sec += end_ns / std::chrono::seconds(1);
  end.tv_nsec = (end_ns % std::chrono::seconds(1)).count();
  const bool is_done = ::syscall(SYS_futex_waitv, waiters, 2, 0, &end, CLOCK_MONOTONIC) >= 0;
  if (!is_done && (errno == ENOSYS || errno == EPERM))
    sleep_on(one.word, one.value, std::min<std::chrono::nanoseconds>(timeout, kLookEvery));
}

}  // namespace manhattan::ring
