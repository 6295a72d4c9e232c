// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "wrap/delivery.h"
#include "wrap/reaper.h"

namespace manhattan::wrap {

/// Carries one program's answer to its client while both live.
///
/// Threads: one.
/// Blocks:  until the answer is over one way or another; a client that does not read stops the
///          program, not us: nothing is kept beyond one buffer.
class Relay {
 public:
  /// `buffer` is the worker's own.
  Relay(Leftover& program, base::UniqueFd output, Delivery& delivery, std::vector<char>& buffer);

  Outcome run();

  /// How the program ended, where it has.
  const std::optional<Ending>& ending() const noexcept { return ending_; }
  /// It was silent for too long, and is to be ended, though its answer may be complete.
  bool is_overdue() const noexcept { return is_overdue_; }

 private:
  using Clock = Delivery::Clock;
  enum Source { kOutput, kErrors, kProcess, kClient, kSources };

  std::optional<Outcome> take_events();
  std::optional<Outcome> take_output();
  void take_errors();
  void take_exit();
  std::optional<Outcome> take_silence();
  void extend_deadline();
  Outcome end();
  Outcome time_out();
  bool has_exited_within(std::chrono::nanoseconds at_most);

  Leftover& program_;
  base::UniqueFd output_;
  Delivery& delivery_;
  std::vector<char>& buffer_;
  std::array<pollfd, kSources> polled_;
  Clock::time_point deadline_;
  bool has_exited_ = false;
  bool is_overdue_ = false;
  std::optional<Ending> ending_;
};

}  // namespace manhattan::wrap
