// SPDX-License-Identifier: MIT
#include "wrap/delivery.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace manhattan::wrap {
namespace {

// A program mostly ends right after it wrote: one write for both is cheaper than two, and nobody
// sees so short a wait.
constexpr std::chrono::microseconds kFlushAfter{300};
// So much is no stream that somebody waits for, or soon more than the server holds back.
constexpr std::size_t kMuchBytes = 32 * 1024;
constexpr std::chrono::hours kForEver{24 * 365};
constexpr std::string_view kAskForStream = "X-Accel-Buffering: no\r\n";

/// The value of `name` in a head as AnswerHead writes it; nothing where it is not there.
std::optional<std::string_view> value_of(std::string_view name, std::string_view head) noexcept {
  while (!head.empty()) {
    auto value = base::take_piece(head, '\n');
    const auto found = base::take_piece(value, ':');
    if (base::equals_ignoring_case(found, name)) return base::trim(value);
  }
  return {};
}

bool is_event_stream(std::string_view head) noexcept {
  auto type = value_of("Content-Type", head).value_or("");
  return base::equals_ignoring_case(base::trim(base::take_piece(type, ';')), "text/event-stream");
}

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
  is_unflushed_ = true;
  is_undecided_ ? hold(bytes) : send(bytes);
}

void Delivery::hold(std::string_view bytes) {
  held_.append(bytes);
  if (head_bytes_ == 0) {  // an answer stream writes the head first, in one piece
    head_bytes_ = bytes.size();
    if (value_of("X-Accel-Buffering", bytes)) {
      decide(Kind::other);
    } else if (is_event_stream(bytes)) {
      decide(Kind::stream);
    }
    return;
  }
  const auto now = Clock::now();
  if (decide_at_ == Clock::time_point{}) decide_at_ = now + kStreamAfter;
  if (held_.size() >= kMuchBytes) {
    decide(Kind::other);
  } else if (now >= decide_at_) {
    decide(Kind::stream);
  }
}

void Delivery::decide(Kind kind) {
  constexpr std::size_t kBlankLineBytes = 2;
  is_undecided_ = false;
  if (kind == Kind::stream) held_.insert(head_bytes_ - kBlankLineBytes, kAskForStream);
  send(std::exchange(held_, {}));
}

void Delivery::send(std::string_view bytes) {
  if (!left_at_ && !bytes.empty() && !client_.write(bytes)) leave();
}

std::chrono::nanoseconds Delivery::wait_limit(Clock::time_point deadline) const noexcept {
  using std::chrono::nanoseconds;
  const auto now = Clock::now();
  nanoseconds most = deadline - now;
  if (is_unflushed_ && !is_undecided_) {
    most = std::min<nanoseconds>(most, kFlushAfter);
  } else if (is_unflushed_ && held_.size() > head_bytes_) {
    most = std::min<nanoseconds>(most, decide_at_ - now);
  }
  return std::max(most, nanoseconds::zero());
}

std::optional<Outcome> Delivery::flush() {
  if (is_undecided_ && is_unflushed_) {
    // A head alone says nothing to anybody. What it begins is seen from what follows.
    if (held_.size() == head_bytes_ || Clock::now() < decide_at_) return outcome_alone();
    decide(Kind::stream);
  }
  const bool is_due = std::exchange(is_unflushed_, false) && !left_at_;
  if (is_due && !client_.flush()) leave();
  return outcome_alone();
}

std::optional<Outcome> Delivery::flush_last() {
  if (is_undecided_) decide(Kind::other);
  return flush();
}

Delivery::Clock::time_point Delivery::deadline() const noexcept {
  using namespace std::chrono_literals;
  return std::min(end(), Clock::now() + (patience_.silence == 0ms ? kForEver : patience_.silence));
}

Delivery::Clock::time_point Delivery::end() const noexcept {
  using namespace std::chrono_literals;
  const auto end = patience_.ends_at.value_or(Clock::now() + kForEver);
  if (!left_at_ || patience_.silence == 0ms) return end;
  return std::min(end, *left_at_ + kAloneFactor * patience_.silence);
}

Outcome Delivery::finish() {
  answer_.finish(*this);
  if (is_undecided_) decide(Kind::other);
  if (!answer_.has_begun()) return Outcome::refused;
  if (left_at_) return Outcome::abandoned;
  return answer_.is_short() ? Outcome::too_short : Outcome::complete;
}

Outcome Delivery::abandon(Outcome how) {
  answer_.abandon(*this);
  if (is_undecided_) decide(Kind::other);
  if (!answer_.has_begun()) return how == Outcome::timed_out ? how : Outcome::refused;
  if (const auto outcome = outcome_alone()) return *outcome;
  return answer_.is_whole() ? Outcome::complete : how;
}

}  // namespace manhattan::wrap
