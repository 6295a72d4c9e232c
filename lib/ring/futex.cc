// SPDX-License-Identifier: MIT
#include "ring/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace manhattan::ring {

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

}  // namespace manhattan::ring
