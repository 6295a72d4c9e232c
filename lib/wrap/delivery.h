// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wrap/answer_stream.h"
#include "wrap/client.h"

namespace manhattan::wrap {

/// poll(2) for at most so long.
int wait(std::span<pollfd> polled, std::chrono::nanoseconds at_most) noexcept;

/// What a program is allowed.
struct Patience {
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds silence{0};           ///< so long it may write nothing; zero: for ever
  bool outlasts_client = false;                   ///< it runs to its end, though its client leaves
  std::optional<Clock::time_point> ends_at = {};  ///< until then it is over, whatever it writes

  bool is_at_end() const noexcept { return ends_at && Clock::now() >= *ends_at; }
};

/// How the web server hands an answer on.
enum class Handing {
  at_once,   ///< as it comes
  buffered,  ///< nginx: once it has much of it, or all, unless the head asks for X-Accel-Buffering:
             ///< no
};

/// What became of an answer.
enum class Outcome {
  complete,   ///< all of it is written, if not yet finished
  refused,    ///< no answer can come of it; nothing is sent yet
  too_short,  ///< the program ended it before its Content-Length was reached
  broken,     ///< it stopped in the middle
  timed_out,  ///< silent for too long
  abandoned,  ///< the client has left
};

/// The client's end of a relay: hands over what an answer stream makes of a program's bytes, as
/// soon as no more follow at once.
///
/// Where the client leaves, and the program outlasts it, the rest of the answer is read and thrown
/// away: what it reports in its head counts, and no full pipe stops it.
///
/// A web server that buffers lets go a program whose client reads slowly. It would hold back a
/// stream, too, so an answer whose beginning is not over and not much after kStreamAfter asks it
/// not to; so does text/event-stream from the start. A program that says X-Accel-Buffering itself
/// is left alone. Until it is known what an answer is, its beginning waits here.
///
/// Owns:    nothing; client and answer must outlive it.
/// Threads: one.
/// Blocks:  while the client does not read: nothing is kept beyond one piece.
class Delivery final : private http::Sink {
 public:
  using Clock = Patience::Clock;

  Delivery(Client& client, AnswerStream& answer, Patience patience, Handing handing)
      : client_(client),
        answer_(answer),
        patience_(patience),
        is_undecided_(handing == Handing::buffered) {}

  /// To be polled beside the program.
  pollfd watched() const noexcept;
  /// Looks at what poll() reported of watched(), and may narrow what is polled for. An outcome
  /// where the client has left and the program is to end.
  std::optional<Outcome> look(pollfd& polled) noexcept;

  /// Takes what a program wrote. An outcome where it is the last that matters.
  std::optional<Outcome> take(std::string_view bytes);
  /// How long to wait at most: until `deadline`, or the little that what is written may wait for
  /// more.
  std::chrono::nanoseconds wait_limit(Clock::time_point deadline) const noexcept;
  /// Sends what is written. An outcome where the client has left and the program is to end.
  [[nodiscard]] std::optional<Outcome> flush();
  /// The same, when the program writes no more.
  [[nodiscard]] std::optional<Outcome> flush_last();
  /// Until when a program that has just done something may now be silent.
  Clock::time_point deadline() const noexcept;
  /// When a program is ended though it writes on: one without an end must not keep a job for ever.
  Clock::time_point end() const noexcept;

  /// The program's output is over, by itself.
  Outcome finish();
  /// It was cut off, `how`: broken or timed_out. A length that is reached makes it complete all the
  /// same.
  Outcome abandon(Outcome how);

 private:
  // A program may write for ever, and its client can't end it any more.
  static constexpr int kAloneFactor = 10;
  // Nobody minds to wait so long, and most answers are over by then or well on their way.
  static constexpr std::chrono::milliseconds kStreamAfter{100};

  enum class Kind { stream, other };

  void write(std::string_view bytes) override;
  void hold(std::string_view bytes);
  void decide(Kind kind);
  void send(std::string_view bytes);
  void leave() noexcept;
  std::optional<Outcome> outcome_alone() const noexcept;

  Client& client_;
  AnswerStream& answer_;
  Patience patience_;
  bool is_undecided_;              ///< whether it is a stream
  std::string held_;               ///< while that is so
  std::size_t head_bytes_ = 0;     ///< of held_
  Clock::time_point decide_at_{};  ///< once there is more than a head
  bool is_unflushed_ = false;
  std::optional<Clock::time_point> left_at_;  ///< when the client was seen to have left
};

}  // namespace manhattan::wrap
