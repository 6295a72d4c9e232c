// SPDX-License-Identifier: MIT
#include "wrap/delivery.h"

#include <algorithm>

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

bool Delivery::is_gone(pollfd& polled) const noexcept {
  if (client_.is_aborted()) return true;
  // Data that is no abort: the next request. It waits; POLLIN would wake us for it all the time.
  polled.events = POLLRDHUP;
  return (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::optional<Outcome> Delivery::take(std::string_view bytes) {
  answer_.feed(bytes, *this);
  if (!answer_.refusal().empty()) return Outcome::refused;
  return is_abandoned_ ? std::optional(Outcome::abandoned) : std::nullopt;
}

void Delivery::write(std::string_view bytes) {
  is_unflushed_ = true;
  is_abandoned_ = is_abandoned_ || !client_.write(bytes);
}

std::chrono::nanoseconds Delivery::patience(std::chrono::nanoseconds at_most) const noexcept {
  using std::chrono::nanoseconds;
  const nanoseconds most = is_unflushed_ ? std::min<nanoseconds>(at_most, kFlushAfter) : at_most;
  return std::max(most, nanoseconds::zero());
}

bool Delivery::flush() {
  if (!is_unflushed_) return true;
  is_unflushed_ = false;
  return client_.flush();
}

Outcome Delivery::finish() {
  answer_.finish(*this);
  if (!answer_.has_begun()) return Outcome::refused;
  if (is_abandoned_) return Outcome::abandoned;
  return answer_.is_short() ? Outcome::too_short : Outcome::complete;
}

Outcome Delivery::abandon(Outcome how) {
  answer_.abandon(*this);
  if (!answer_.has_begun()) return how == Outcome::timed_out ? how : Outcome::refused;
  if (is_abandoned_) return Outcome::abandoned;
  return answer_.is_whole() ? Outcome::complete : how;
}

}  // namespace manhattan::wrap
