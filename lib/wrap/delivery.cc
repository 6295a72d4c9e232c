// SPDX-License-Identifier: MIT
#include "wrap/delivery.h"

#include <algorithm>
#include <utility>

namespace manhattan::wrap {
namespace {

// A program mostly ends right after it wrote: one write for both is cheaper than two, and nobody
// sees so short a wait.
constexpr std::chrono::microseconds kFlushAfter{300};

}  // namespace

int wait(std::span<pollfd> polled, std::chrono::nanoseconds at_most) noexcept {
  const timespec time{at_most.count() / 1'000'000'000, at_most.count() % 1'000'000'000};
  return ::ppoll(polled.data(), polled.size(), &time, nullptr);
}

pollfd Delivery::watched() const noexcept { return {client_.watched(), POLLIN | POLLRDHUP, 0}; }

std::optional<Outcome> Delivery::look(pollfd& polled) noexcept {
  const bool has_left =
      client_.is_aborted() || (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  if (!has_left) {
    // Data that is no abort: the next request. It waits; POLLIN would wake us for it all the time.
    polled.events = POLLRDHUP;
    return {};
  }
  polled.fd = -1;
  leave();
  return outcome_alone();
}

void Delivery::leave() noexcept {
  if (!left_at_) left_at_ = Clock::now();
}

std::optional<Outcome> Delivery::outcome_alone() const noexcept {
  return left_at_ && !patience_.outlasts_client ? std::optional(Outcome::abandoned) : std::nullopt;
}

std::optional<Outcome> Delivery::take(std::string_view bytes) {
  answer_.feed(bytes, *this);
  return answer_.refusal().empty() ? outcome_alone() : Outcome::refused;
}

void Delivery::write(std::string_view bytes) {
  if (left_at_) return;
  is_unflushed_ = true;
  if (!client_.write(bytes)) leave();
}

std::chrono::nanoseconds Delivery::wait_limit(Clock::time_point deadline) const noexcept {
  using std::chrono::nanoseconds;
  const nanoseconds left = deadline - Clock::now();
  const nanoseconds most = is_unflushed_ ? std::min<nanoseconds>(left, kFlushAfter) : left;
  return std::max(most, nanoseconds::zero());
}

std::optional<Outcome> Delivery::flush() {
  const bool is_due = std::exchange(is_unflushed_, false) && !left_at_;
  if (is_due && !client_.flush()) leave();
  return outcome_alone();
}

Delivery::Clock::time_point Delivery::deadline() const noexcept {
  using namespace std::chrono_literals;
  if (patience_.silence == 0ms) return Clock::now() + 24h * 365;
  const auto due = Clock::now() + patience_.silence;
  return left_at_ ? std::min(due, *left_at_ + kAloneFactor * patience_.silence) : due;
}

Outcome Delivery::finish() {
  answer_.finish(*this);
  if (!answer_.has_begun()) return Outcome::refused;
  if (left_at_) return Outcome::abandoned;
  return answer_.is_short() ? Outcome::too_short : Outcome::complete;
}

Outcome Delivery::abandon(Outcome how) {
  answer_.abandon(*this);
  if (!answer_.has_begun()) return how == Outcome::timed_out ? how : Outcome::refused;
  if (const auto outcome = outcome_alone()) return *outcome;
  return answer_.is_whole() ? Outcome::complete : how;
}

}  // namespace manhattan::wrap
