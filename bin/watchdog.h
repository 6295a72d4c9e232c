// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/message_log.h"
#include "base/pulse.h"

namespace manhattan::program {

/// Feeds systemd's watchdog for as long as all of a program's threads go on or rest. One that does
/// neither is named in the messages, and the program is not fed until it goes on; when that takes
/// as long as the watchdog's time once more, systemd starts the program again.
///
/// Owns:    nothing; what it is made with must outlive it.
/// Threads: one.
class Watchdog {
 public:
  struct Thread {
    std::string work;  ///< as it is named in messages
    const base::Pulse& pulse;
  };
  Watchdog(std::vector<Thread> threads, base::MessageLog& messages);

  /// How long look() can wait.
  std::chrono::nanoseconds due_in() const noexcept;
  /// Looks at every thread, and feeds, where that is due and systemd has set a watchdog.
  void look();

 private:
  struct Seen {
    std::uint64_t pulse = base::Pulse::kResting;
    int times = 0;  ///< at work with the same pulse, one look after the other
  };
  bool goes_on(const Thread& thread, Seen& seen);

  const std::vector<Thread> threads_;
  std::vector<Seen> seen_;
  base::MessageLog& messages_;
  bool is_set_ = false;
  std::chrono::nanoseconds pause_;
  std::chrono::steady_clock::time_point next_look_;
};

}  // namespace manhattan::program
