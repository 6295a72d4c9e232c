// SPDX-License-Identifier: MIT
#include "bin/interrupts.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace manhattan::program {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// All within a second, on a machine that has other things to do as well.
constexpr auto kLate = 450ms;
constexpr auto kEnd = 700ms;

}  // namespace

Interrupts::Interrupts(std::string last_word, int exit_code, Hangup hangup)
    : last_word_(std::move(last_word)), exit_code_(exit_code) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  if (hangup == Hangup::is_taken) sigaddset(&signals_, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  thread_ = std::thread([this] { work(); });
  ::pthread_setname_np(thread_.native_handle(), "signals");
}

Interrupts::~Interrupts() {
  {
    const std::lock_guard lock(mutex_);
    is_done_ = true;
    changed_.notify_all();
  }
  ::pthread_kill(thread_.native_handle(), SIGINT);  // it waits for one
  thread_.join();
}

void Interrupts::call(std::function<void()> pending, std::function<void()> late) {
  const std::lock_guard lock(mutex_);
  pending_ = std::move(pending);
  late_ = std::move(late);
  if (is_pending_ && pending_) pending_();
  if (is_late_ && late_) late_();
}

bool Interrupts::is_pending_for(std::chrono::milliseconds least) const noexcept {
  return is_pending_ && steady_clock::now() - since_.load() > least;
}

void Interrupts::sleep(std::chrono::nanoseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [this] { return is_pending_ || has_hangup_; });
}

void Interrupts::interrupt() noexcept { ::kill(::getpid(), SIGTERM); }

void Interrupts::fail(std::string why, int exit_code) {
  {
    const std::lock_guard lock(mutex_);
    last_word_ = std::move(why);
    exit_code_ = exit_code;
  }
  interrupt();
}

void Interrupts::work() {
  for (int signal = SIGHUP; signal == SIGHUP;) {
    if (::sigwait(&signals_, &signal) != 0) signal = SIGHUP;
    const std::lock_guard lock(mutex_);
    if (is_done_) return;
    has_hangup_ = signal == SIGHUP;
    if (signal == SIGHUP) changed_.notify_all();
  }
  end();
}

void Interrupts::end() {
  std::unique_lock lock(mutex_);
  const auto now = steady_clock::now();
  since_ = now;
  is_pending_ = true;
  changed_.notify_all();
  if (pending_) pending_();
  const auto is_done = [this] { return is_done_; };
  if (changed_.wait_until(lock, now + kLate, is_done)) return;
  is_late_ = true;
  if (late_) late_();
  if (changed_.wait_until(lock, now + kEnd, is_done)) return;
  std::fprintf(stderr, "%s\n", last_word_.c_str());
  ::_exit(exit_code_);
}

}  // namespace manhattan::program
