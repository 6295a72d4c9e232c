// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <span>
#include <string_view>

#include "wrap/answer_stream.h"
#include "wrap/client.h"

namespace manhattan::wrap {

/// poll(2) for at most so long.
int wait(std::span<pollfd> polled, std::chrono::nanoseconds at_most) noexcept;

/// What became of an answer.
enum class Outcome {
  complete,   ///< all of it is written, if not yet finished
  refused,    ///< no answer can come of it; nothing is sent yet
  too_short,  ///< the program ended it before its Content-Length was reached
  broken,     ///< it stopped in the middle
  timed_out,  ///< silent for too long
  abandoned,  ///< the client is gone
};

/// The client's end of a relay: hands over what an answer stream makes of a program's bytes, as
/// soon as no more follow at once.
///
/// Owns:    nothing; client and answer must outlive it.
/// Threads: one.
/// Blocks:  while the client does not read: nothing is kept beyond one piece.
class Delivery final : private http::Sink {
 public:
  Delivery(Client& client, AnswerStream& answer) : client_(client), answer_(answer) {}

  /// To be polled beside the program.
  pollfd watched() const noexcept;
  /// Whether what poll() reported of watched() is the client's end. May narrow what is polled for.
  bool is_gone(pollfd& polled) const noexcept;

  /// Takes what a program wrote. An outcome where it is the last that matters.
  std::optional<Outcome> take(std::string_view bytes);
  /// `at_most`, or the little that what is written may wait for more.
  std::chrono::nanoseconds patience(std::chrono::nanoseconds at_most) const noexcept;
  /// Sends what is written. False: nobody listens any more.
  [[nodiscard]] bool flush();

  /// The program's output is over, by itself.
  Outcome finish();
  /// It was cut off, `how`: broken or timed_out. A length that is reached makes it complete all the
  /// same.
  Outcome abandon(Outcome how);

 private:
  void write(std::string_view bytes) override;

  Client& client_;
  AnswerStream& answer_;
  bool is_unflushed_ = false;
  bool is_abandoned_ = false;  ///< nobody listens any more
};

}  // namespace manhattan::wrap
