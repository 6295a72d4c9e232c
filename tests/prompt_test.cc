// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE prompt
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <future>

#include "base/prompt.h"

using manhattan::base::be_prompt;

namespace {

constexpr int kPromptNice = -10;
constexpr std::uint64_t kShortestSliceNs = 100'000;

struct Scheduling {
  int policy, nice;
  std::uint64_t slice_ns;  ///< 0: not told, as before Linux 6.12
};

/// Of the calling thread.
Scheduling scheduling() {
  struct {  // of sched_getattr(2)
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime_ns, deadline_ns, period_ns;
  } told{};
  ::syscall(SYS_sched_getattr, 0, &told, sizeof told, 0);
  return {::sched_getscheduler(0), ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())),
          told.runtime_ns};
}

/// `work` in a thread of its own, for what it does to it can't be undone.
template <class Work>
auto aside(Work work) {
  return std::async(std::launch::async, work).get();
}

bool may_be_nicer() {
  return aside([] {
    return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()),
                         scheduling().nice + kPromptNice) == 0;
  });
}

/// Nothing is allowed to this thread, nor by its limit to anybody here.
void give_up_what_is_allowed() {
  const rlimit none{};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct no_capabilities[2] = {};
  if (::setrlimit(RLIMIT_NICE, &none) != 0 || ::syscall(SYS_capset, &header, no_capabilities) != 0)
    throw std::runtime_error("cannot give up what is allowed");
}

std::uint64_t expected_slice(const Scheduling& before) {
  return before.slice_ns == 0 ? 0 : kShortestSliceNs;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_prompt_thread_and_what_it_starts_are_nicer_where_that_is_allowed) {
  const auto before = scheduling();
  const auto expected = may_be_nicer() ? std::max(-20, before.nice + kPromptNice) : before.nice;
  const auto [mine, childs] = aside([] {
    be_prompt();
    return std::pair(scheduling(), aside(scheduling));
  });
  BOOST_TEST(mine.nice == expected);
  BOOST_TEST(childs.nice == expected);
  BOOST_TEST(mine.slice_ns == expected_slice(before));
  BOOST_TEST(childs.slice_ns == expected_slice(before));
  BOOST_TEST(scheduling().nice == before.nice);  // others' is their own
}

BOOST_AUTO_TEST_CASE(who_may_not_keeps_its_niceness_and_has_short_slices) {
  const auto before = scheduling();
  const auto after = aside([] {
    give_up_what_is_allowed();
    be_prompt();
    return scheduling();
  });
  BOOST_TEST(after.nice == before.nice);
  BOOST_TEST(after.slice_ns == expected_slice(before));
}

BOOST_AUTO_TEST_CASE(scheduling_that_somebody_chose_is_kept) {
  const auto [before, after] = aside([] {
    const sched_param none{};
    ::sched_setscheduler(0, SCHED_BATCH, &none);
    const auto chosen = scheduling();
    be_prompt();
    return std::pair(chosen, scheduling());
  });
  BOOST_TEST(before.policy == SCHED_BATCH);
  BOOST_TEST(after.policy == before.policy);
  BOOST_TEST(after.nice == before.nice);
  BOOST_TEST(after.slice_ns == before.slice_ns);
}
