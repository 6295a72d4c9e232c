// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace manhattan::log {

/// Sleeps until a file in one of its folders changes, somebody calls wake(), or time is up. No
/// polling.
///
/// Threads: wait() from one; wake() from any, also from a signal handler.
/// Errors:  IoError where a folder can't be watched.
class Watch {
 public:
  /// When a file that stays counts as changed: at each write, or once a writer has closed it.
  enum class At { write, close };

  explicit Watch(const std::vector<std::string>& folders, At at = At::write);

  struct Changes {
    std::vector<std::string> names;  ///< of files that changed, came or went, without the folder
    bool is_complete = true;         ///< false: some were lost; look at all
    bool is_woken = false;
  };
  Changes wait(std::chrono::milliseconds most);
  void wake() noexcept;

 private:
  void read_events(Changes& changes);

  base::UniqueFd inotify_;
  base::UniqueFd wake_;
};

}  // namespace manhattan::log
