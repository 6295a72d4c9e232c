// SPDX-License-Identifier: MIT
#include "wrap/reaper.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.h"

namespace manhattan::wrap {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kGrace = std::chrono::seconds(2);
constexpr int kRounds = 16;  // one that never stops must leave time for the others

void wake(int fd) noexcept { ::eventfd_write(fd, 1); }

/// Reads what is there of a program's standard error. False at its end.
bool drain(Leftover& leftover) {
  std::array<char, 4096> buffer;
  pollfd ready{leftover.errors.get(), POLLIN, 0};
  for (int round = 0; round<kRounds&& ::poll(&ready, 1, 0)> 0; ++round) {
    const auto got = ::read(leftover.errors.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    leftover.lines.take({buffer.data(), static_cast<std::size_t>(got)});
  }
  return true;
}

void tell_to_end(const Child& child) noexcept {
  child.signal_group(SIGTERM);
  // A stopped process would sleep through its own end.
  child.signal_group(SIGCONT);
}

}  // namespace

Reaper::Reaper(base::MessageLog& messages)
    : messages_(messages), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw IoError("create", "eventfd", last_error());
  thread_ = std::thread([this] { run(); });
}

Reaper::~Reaper() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake(wake_.get());
  thread_.join();
}

void Reaper::watch(Leftover leftover) { add({std::move(leftover), std::nullopt}); }

void Reaper::end(Leftover leftover) {
  tell_to_end(leftover.child);
  add({std::move(leftover), Clock::now() + kGrace});
}

void Reaper::add(Entry entry) {
  std::unique_lock lock(mutex_);
  has_room_.wait(lock, [&] { return entry.kill_at || count_ < kMaxLeftovers || is_stopping_; });
  ++count_;
  arriving_.push_back(std::move(entry));
  lock.unlock();
  wake(wake_.get());
}

void Reaper::run() {
  for (;;) {
    wait_for_events();
    const auto now = Clock::now();
    const auto over = std::erase_if(waiting_, [&](Entry& entry) { return is_over(entry, now); });
    const std::lock_guard lock(mutex_);
    for (auto& entry : arriving_) waiting_.push_back(std::move(entry));
    arriving_.clear();
    count_ -= over;
    has_room_.notify_all();
    if (is_stopping_) break;
  }
  for (auto& entry : waiting_) {
    // Those to be ended are killed as they are destroyed; the others may take their time.
    auto& child = entry.leftover.child;
    if (entry.kill_at || child.reap()) continue;
    tell_to_end(child);
    child.release();
  }
  waiting_.clear();
}

void Reaper::wait_for_events() {
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
  auto next = Time::max();
  for (const auto& entry : waiting_) {
    const auto& leftover = entry.leftover;
    if (entry.kill_at) {
      next = std::min(next, *entry.kill_at);  // its end alone settles nothing: its group may live
    } else {
      polled.push_back({leftover.child.pidfd(), POLLIN, 0});
    }
    if (leftover.errors) polled.push_back({leftover.errors.get(), POLLIN, 0});
  }
  int timeout_ms = -1;
  if (next != Time::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    timeout_ms = static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }
  ::poll(polled.data(), polled.size(), timeout_ms);
  eventfd_t count;
  ::eventfd_read(wake_.get(), &count);
}

bool Reaper::is_over(Entry& entry, Time now) {
  auto& leftover = entry.leftover;
  if (leftover.errors && !drain(leftover)) leftover.errors.reset();
  if (entry.kill_at) {
    if (now < *entry.kill_at) return false;
    leftover.child.signal_group(SIGKILL);
    leftover.child.wait();
  } else {
    const auto ending = leftover.child.reap();
    if (!ending) return false;
    if (!ending->is_good()) {
      messages_.warning(leftover.lines.program() + ": " + ending->to_string());
    }
  }
  leftover.lines.finish();
  return true;
}

}  // namespace manhattan::wrap
