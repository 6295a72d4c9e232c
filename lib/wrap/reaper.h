// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/message_log.h"
#include "base/unique_fd.h"
#include "wrap/child.h"
#include "wrap/error_lines.h"

namespace manhattan::wrap {

/// A program whose request is over, but not its life.
struct Leftover {
  Child child;
  base::UniqueFd errors;  ///< its standard error
  ErrorLines lines;
};

/// Waits for programs that outlive their requests, so that no worker has to.
///
/// Owns:    a thread, and what it is given.
/// Threads: any number.
/// Blocks:  watch() while kMaxLeftovers are waited for.
class Reaper {
 public:
  static constexpr std::size_t kMaxLeftovers = 256;

  explicit Reaper(base::MessageLog& messages);
  /// Kills the groups that were told to end; the others are told now, and nobody waits for them.
  ~Reaper();

  /// Lets it run, and logs what it still says.
  void watch(Leftover leftover);
  /// Ends its whole group: SIGTERM now, SIGKILL two seconds later.
  void end(Leftover leftover);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    Leftover leftover;
    std::optional<Time> kill_at;
  };

  void add(Entry entry);
  void run();
  void wait_for_events();
  bool is_over(Entry& entry, Time now);

  base::MessageLog& messages_;
  base::UniqueFd wake_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::vector<Entry> arriving_;  ///< under mutex_
  std::size_t count_ = 0;        ///< under mutex_: arriving and waited for
  bool is_stopping_ = false;     ///< under mutex_
  std::vector<Entry> waiting_;   ///< the thread's own
  std::thread thread_;
};

}  // namespace manhattan::wrap
