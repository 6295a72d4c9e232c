// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "backend/worker.h"
#include "base/clock.h"
#include "base/message_log.h"
#include "bin/progress.h"

namespace manhattan::program {

/// Tells how far counting is while there is much to count: in the messages now and then, and where
/// that is wanted in the last line of the terminal.
///
/// Owns:    nothing but that line; `messages` and `clock` must outlive it.
/// Threads: one.
class CatchingUp {
 public:
  enum class Bar { hidden, shown };
  CatchingUp(base::MessageLog& messages, const base::Clock& clock, Bar bar)
      : messages_(messages), clock_(clock), bar_(bar) {}

  void note(const backend::Worker::Step& step);

 private:
  void begin(const backend::Worker::Step& step);
  void end();

  base::MessageLog& messages_;
  const base::Clock& clock_;
  const Bar bar_;
  bool is_behind_ = false;
  UnixNanos began_at_, said_at_;
  ProgressState state_;
  std::optional<Progress> line_;
};

}  // namespace manhattan::program
