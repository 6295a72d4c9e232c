// SPDX-License-Identifier: MIT
#include "wrap/relay.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace manhattan::wrap {
namespace {

using namespace std::chrono_literals;

// After the program's end, whoever inherited its output may still have something to say.
constexpr auto kLinger = 1s;
// After the end of its output: whether it was killed decides whether the answer was whole.
constexpr auto kExitGrace = 100ms;
// Where its output ended with its life, which a busy machine may draw out.
constexpr auto kExitLimit = 10s;

}  // namespace

Relay::Relay(Leftover& program, base::UniqueFd output, Delivery& delivery,
             std::vector<char>& buffer)
    : program_(program),
      output_(std::move(output)),
      delivery_(delivery),
      buffer_(buffer),
      polled_{{{output_.get(), POLLIN, 0},
               {program.errors.get(), POLLIN, 0},
               {program.child.pidfd(), POLLIN, 0},
               delivery_.watched()}} {
  extend_deadline();
}

Outcome Relay::run() {
  for (;;) {
    const int count = wait(polled_, delivery_.wait_limit(deadline_));
    if (count < 0) continue;  // a signal
    if (Clock::now() >= delivery_.end()) return time_out();
    const auto outcome = count == 0 ? take_silence() : take_events();
    if (outcome) return *outcome;
  }
}

std::optional<Outcome> Relay::take_silence() {
  const bool is_over = Clock::now() >= deadline_;  // a slow client's time is not the program's
  if (const auto outcome = delivery_.flush()) return outcome;
  if (!is_over) return {};
  return has_exited_ ? end() : time_out();
}

std::optional<Outcome> Relay::take_events() {
  if (polled_[kClient].revents) {
    if (const auto outcome = delivery_.look(polled_[kClient])) return outcome;
  }
  if (polled_[kErrors].revents) take_errors();
  if (polled_[kOutput].revents) {
    if (const auto outcome = take_output()) return outcome;
  }
  if (polled_[kProcess].revents) take_exit();
  return {};
}

void Relay::take_errors() {
  std::array<char, 4096> bytes;
  const auto got = ::read(program_.errors.get(), bytes.data(), bytes.size());
  if (got > 0) {
    program_.lines.take({bytes.data(), static_cast<std::size_t>(got)});
    if (!has_exited_) extend_deadline();  // else what it left behind could hold the client up
  } else if (got == 0 || errno != EINTR) {
    program_.errors.reset();
    polled_[kErrors].fd = -1;
  }
}

std::optional<Outcome> Relay::take_output() {
  const auto got = ::read(output_.get(), buffer_.data(), buffer_.size());
  if (got < 0 && errno == EINTR) return {};
  if (got <= 0) return end();
  const auto outcome = delivery_.take({buffer_.data(), static_cast<std::size_t>(got)});
  extend_deadline();  // after it: a slow client's time is not the program's
  return outcome;
}

void Relay::take_exit() {
  has_exited_ = true;
  polled_[kProcess].fd = -1;  // not reaped yet: the number of its group must stay ours
  extend_deadline();
}

void Relay::extend_deadline() {
  deadline_ =
      has_exited_ ? std::min(delivery_.end(), Clock::now() + kLinger) : delivery_.deadline();
}

bool Relay::has_exited_within(std::chrono::nanoseconds at_most) {
  if (has_exited_) return true;
  pollfd process{program_.child.pidfd(), POLLIN, 0};
  has_exited_ = wait({&process, 1}, at_most) > 0;
  return has_exited_;
}

Outcome Relay::end() {
  if (!has_exited_within(1ms)) {
    if (const auto outcome = delivery_.flush_last()) return *outcome;
    has_exited_within(program_.child.is_exiting() ? kExitLimit : kExitGrace);
  }
  if (has_exited_ && program_.errors) {
    pollfd errors{program_.errors.get(), POLLIN, 0};
    for (int i = 0; i < 64 && program_.errors && ::poll(&errors, 1, 0) > 0; ++i) take_errors();
  }
  if (has_exited_) ending_ = program_.child.reap();
  // A program that crashes on its way out has mostly written its answer, and other wrappers show
  // it.
  const bool is_cut = ending_ && ending_->is_cut();
  return is_cut ? delivery_.abandon(Outcome::broken) : delivery_.finish();
}

Outcome Relay::time_out() {
  is_overdue_ = true;
  return delivery_.abandon(Outcome::timed_out);
}

}  // namespace manhattan::wrap
