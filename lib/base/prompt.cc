// SPDX-License-Identifier: MIT
#include "base/prompt.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace manhattan::base {
namespace {

// Three times the weight of others. Less left seldom waits of a tick, more gained nothing, and this
// much is all that a flood of questions may take from counting.
constexpr int kPromptNice = -10;
constexpr std::uint64_t kShortestSliceNs = 100'000;

/// sched_setattr(2): glibc 2.36 has neither the call nor this, and linux/sched/types.h contradicts
/// its sched.h.
struct Attributes {
  std::uint32_t size = sizeof(Attributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(Attributes) == 48);

}  // namespace

void be_prompt() noexcept {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  const auto thread = static_cast<id_t>(::gettid());
  const int nice = ::getpriority(PRIO_PROCESS, thread);
  ::setpriority(PRIO_PROCESS, thread, nice + kPromptNice);  // refused: as it is
  const Attributes attributes{.nice = ::getpriority(PRIO_PROCESS, thread),
                              .runtime_ns = kShortestSliceNs};
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);  // unknown or refused: the usual slice
}

}  // namespace manhattan::base
