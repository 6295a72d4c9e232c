// SPDX-License-Identifier: MIT
#include "wrap/relay.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace manhattan::wrap {
namespace {

using namespace std::chrono_literals;

// A program mostly ends right after it wrote: one write for both is cheaper than two, and nobody
// sees so short a wait.
constexpr auto kFlushAfter = 300us;
// After the program's end, whoever inherited its output may still have something to say.
constexpr auto kLinger = 1s;
// After the end of its output: whether it was killed decides whether the answer was whole.
constexpr auto kExitGrace = 100ms;

}  // namespace

Relay::Relay(Client& client, Leftover& program, base::UniqueFd output, AnswerStream& answer,
             std::chrono::milliseconds silence_limit, std::vector<char>& buffer)
    : client_(client),
      program_(program),
      output_(std::move(output)),
      answer_(answer),
      silence_limit_(silence_limit),
      buffer_(buffer),
      polled_{{{output_.get(), POLLIN, 0},
               {program.errors.get(), POLLIN, 0},
               {program.child.pidfd(), POLLIN, 0},
               {client.watched(), POLLIN | POLLRDHUP, 0}}} {
  extend_deadline();
}

Relay::Outcome Relay::run() {
  for (;;) {
    auto most = std::chrono::nanoseconds(deadline_ - Clock::now());
    if (is_unflushed_) most = std::min<std::chrono::nanoseconds>(most, kFlushAfter);
    const int count = wait(std::max(most, 0ns));
    if (count < 0) continue;  // a signal
    const auto outcome = count == 0 ? take_silence() : take_events();
    if (outcome) return *outcome;
  }
}

int Relay::wait(std::chrono::nanoseconds at_most) {
  const timespec time{at_most.count() / 1'000'000'000, at_most.count() % 1'000'000'000};
  return ::ppoll(polled_.data(), polled_.size(), &time, nullptr);
}

std::optional<Relay::Outcome> Relay::take_silence() {
  if (is_unflushed_) {
    is_unflushed_ = false;
    if (!client_.flush()) return Outcome::abandoned;
  }
  if (Clock::now() < deadline_) return {};
  return has_exited_ ? end() : Outcome::timed_out;
}

std::optional<Relay::Outcome> Relay::take_events() {
  if (polled_[kClient].revents && is_client_gone()) return Outcome::abandoned;
  if (polled_[kErrors].revents) take_errors();
  if (polled_[kOutput].revents) {
    if (const auto outcome = take_output()) return outcome;
  }
  if (polled_[kProcess].revents) take_exit();
  return {};
}

bool Relay::is_client_gone() {
  if (client_.is_aborted()) return true;
  // Data that is no abort: the next request. It waits; POLLIN would wake us for it all the time.
  polled_[kClient].events = POLLRDHUP;
  return (polled_[kClient].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Relay::take_errors() {
  std::array<char, 4096> bytes;
  const auto got = ::read(program_.errors.get(), bytes.data(), bytes.size());
  if (got > 0) {
    program_.lines.take({bytes.data(), static_cast<std::size_t>(got)});
  } else if (got == 0 || errno != EINTR) {
    program_.errors.reset();
    polled_[kErrors].fd = -1;
  }
}

std::optional<Relay::Outcome> Relay::take_output() {
  const auto got = ::read(output_.get(), buffer_.data(), buffer_.size());
  if (got < 0 && errno == EINTR) return {};
  if (got <= 0) return end();
  extend_deadline();
  ready_.clear();
  answer_.feed({buffer_.data(), static_cast<std::size_t>(got)}, ready_);
  if (!answer_.refusal().empty()) return Outcome::refused;
  if (ready_.empty()) return {};
  is_unflushed_ = true;
  if (!client_.write(ready_)) return Outcome::abandoned;
  extend_deadline();  // a slow client's time is not the program's
  return {};
}

void Relay::take_exit() {
  has_exited_ = true;
  polled_[kProcess].fd = -1;  // not reaped yet: the number of its group must stay ours
  extend_deadline();
}

void Relay::extend_deadline() {
  const auto now = Clock::now();
  if (has_exited_) {
    deadline_ = now + kLinger;
  } else {
    deadline_ = silence_limit_ == 0ms ? now + 24h * 365 : now + silence_limit_;
  }
}

bool Relay::has_exited_within(std::chrono::nanoseconds at_most) {
  if (has_exited_) return true;
  pollfd process{program_.child.pidfd(), POLLIN, 0};
  const timespec time{0, at_most.count()};
  has_exited_ = ::ppoll(&process, 1, &time, nullptr) > 0;
  return has_exited_;
}

Relay::Outcome Relay::end() {
  if (!has_exited_within(1ms)) {
    if (is_unflushed_ && !client_.flush()) return Outcome::abandoned;
    has_exited_within(kExitGrace);
  }
  if (has_exited_ && program_.errors) {
    pollfd errors{program_.errors.get(), POLLIN, 0};
    for (int i = 0; i < 64 && program_.errors && ::poll(&errors, 1, 0) > 0; ++i) take_errors();
  }
  if (has_exited_) ending_ = program_.child.reap();
  const bool is_killed = ending_ && ending_->signal != 0;
  ready_.clear();
  is_killed ? answer_.abandon(ready_) : answer_.finish(ready_);
  if (!answer_.has_begun()) return Outcome::refused;
  if (!client_.write(ready_)) return Outcome::abandoned;
  return is_killed || answer_.is_short() ? Outcome::broken : Outcome::complete;
}

}  // namespace manhattan::wrap
