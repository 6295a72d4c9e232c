// SPDX-License-Identifier: MIT
#include "bin/watchdog.h"

#include <systemd/sd-daemon.h>

#include <algorithm>

namespace manhattan::program {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Of the watchdog's time: a look that comes a little late still comes in time.
constexpr int kLooks = 4;
constexpr int kHangingLooks = kLooks / 2;
constexpr auto kIdle = 1h;  // nothing is to be fed

}  // namespace

Watchdog::Watchdog(std::vector<Thread> threads, base::MessageLog& messages)
    : threads_(std::move(threads)), seen_(threads_.size()), messages_(messages), pause_(kIdle) {
  std::uint64_t time_us = 0;
  is_set_ = sd_watchdog_enabled(0, &time_us) > 0;
  if (is_set_) pause_ = std::chrono::microseconds(time_us) / kLooks;
  next_look_ = steady_clock::now() + pause_;
}

std::chrono::nanoseconds Watchdog::due_in() const noexcept {
  return std::max<std::chrono::nanoseconds>(next_look_ - steady_clock::now(), 0ns);
}

void Watchdog::look() {
  if (!is_set_ || steady_clock::now() < next_look_) return;
  next_look_ = steady_clock::now() + pause_;
  bool all_go_on = true;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    all_go_on = goes_on(threads_[i], seen_[i]) && all_go_on;
  }
  if (all_go_on) sd_notify(0, "WATCHDOG=1");
}

bool Watchdog::goes_on(const Thread& thread, Seen& seen) {
  const auto pulse = thread.pulse.now();
  const bool was_hanging = seen.times >= kHangingLooks;
  const bool is_same = pulse == seen.pulse && pulse != base::Pulse::kResting;
  seen = {pulse, is_same ? seen.times + 1 : 0};
  const bool is_hanging = seen.times >= kHangingLooks;
  if (is_hanging && !was_hanging) {
    messages_.error(thread.work + " hangs; until it goes on, the watchdog is not fed");
  } else if (was_hanging && !is_hanging) {
    messages_.warning(thread.work + " goes on");
  }
  return !is_hanging;
}

}  // namespace manhattan::program
