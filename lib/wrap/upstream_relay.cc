// SPDX-License-Identifier: MIT
#include "wrap/upstream_relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace manhattan::wrap {
namespace {

constexpr std::size_t kBodyPieceBytes = 32 * 1024;

}  // namespace

UpstreamRelay::UpstreamRelay(base::UniqueFd connection, Question question, Delivery& delivery,
                             std::vector<char>& buffer)
    : connection_(std::move(connection)),
      body_(question.body),
      errors_(question.errors),
      delivery_(delivery),
      buffer_(buffer),
      sending_(std::move(question.beginning)),
      polled_{{{connection_.get(), POLLIN, 0}, delivery_.watched()}} {
  if (!body_.descriptor) refill();
  extend_deadline();
}

Outcome UpstreamRelay::run() {
  if (is_sending()) send();  // there is room: this saves a poll()
  for (;;) {
    polled_[kUpstream].events = is_sending() ? POLLIN | POLLOUT : POLLIN;
    const int count = wait(polled_, delivery_.wait_limit(deadline_));
    if (count < 0) continue;  // a signal
    if (Clock::now() >= delivery_.end()) return delivery_.abandon(Outcome::timed_out);
    const auto outcome = count == 0 ? take_silence() : take_events();
    if (outcome) return *outcome;
  }
}

std::optional<Outcome> UpstreamRelay::take_silence() {
  const bool is_over = Clock::now() >= deadline_;  // a slow client's time is not the program's
  if (const auto outcome = delivery_.flush()) return outcome;
  return is_over ? std::optional(delivery_.abandon(Outcome::timed_out)) : std::nullopt;
}

std::optional<Outcome> UpstreamRelay::take_events() {
  if (polled_[kClient].revents) {
    if (const auto outcome = delivery_.look(polled_[kClient])) return outcome;
  }
  if (polled_[kUpstream].revents & POLLOUT) send();
  // POLLHUP and POLLERR, too: receiving tells which end it was.
  if (polled_[kUpstream].revents & ~POLLOUT) return receive();
  return {};
}

void UpstreamRelay::send() {
  if (sent_bytes_ == sending_.size()) refill();
  const auto sent = ::send(connection_.get(), sending_.data() + sent_bytes_,
                           sending_.size() - sent_bytes_, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) {
    sent_bytes_ += static_cast<std::size_t>(sent);
    extend_deadline();
  } else if (errno != EAGAIN && errno != EINTR) {
    // It reads no more. What it has written may still be an answer.
    is_cut_ = is_body_sent_ = true;
    sent_bytes_ = sending_.size();
  }
}

/// The next piece of the body, or the empty one at its end.
void UpstreamRelay::refill() {
  if (sent_bytes_ > 0) sending_.clear();
  sent_bytes_ = 0;
  std::array<char, kBodyPieceBytes> piece;
  ssize_t got = 0;
  if (body_.descriptor) {
    do {
      got = ::read(body_.descriptor.get(), piece.data(), piece.size());
    } while (got < 0 && errno == EINTR);
  }
  const auto size = got > 0 ? static_cast<std::size_t>(got) : 0;
  append_record(RecordType::input, 1, {piece.data(), size}, sending_);
  is_body_sent_ = size == 0;
}

std::optional<Outcome> UpstreamRelay::receive() {
  const auto got = ::recv(connection_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (got <= 0) {
    is_cut_ = true;
    return delivery_.abandon(Outcome::broken);
  }
  const auto outcome = take_records({buffer_.data(), static_cast<std::size_t>(got)});
  extend_deadline();  // after it: a slow client's time is not the program's
  return outcome;
}

std::optional<Outcome> UpstreamRelay::take_records(std::string_view bytes) {
  for (;;) {
    const auto piece = records_.next(bytes);
    switch (piece.kind) {
      case AnswerRecords::Kind::nothing:
        return {};
      case AnswerRecords::Kind::output:
        if (const auto outcome = delivery_.take(piece.bytes)) return outcome;
        break;
      case AnswerRecords::Kind::errors:
        errors_.take(piece.bytes);
        break;
      case AnswerRecords::Kind::end:
        has_ended_ = true;
        return records_.protocol_status() == kRequestComplete ? delivery_.finish()
                                                              : delivery_.abandon(Outcome::broken);
      case AnswerRecords::Kind::damaged:
        is_damaged_ = true;
        return delivery_.abandon(Outcome::broken);
    }
  }
}

bool UpstreamRelay::had_no_room() const noexcept {
  const int status = has_ended_ ? records_.protocol_status() : kRequestComplete;
  return status == kCantMultiplex || status == kOverloaded;
}

std::string UpstreamRelay::remark() const {
  if (is_damaged_) return "what it sent is no FastCGI";
  if (!has_ended_) return is_cut_ ? "it closed the connection before its answer was over" : "";
  if (const int status = records_.protocol_status()) {
    return "it refused the request: FastCGI status " + std::to_string(status);
  }
  const auto code = records_.exit_code();
  return code == 0 ? "" : "exit code " + std::to_string(code);
}

}  // namespace manhattan::wrap
