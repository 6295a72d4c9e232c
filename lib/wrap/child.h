// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace manhattan::wrap {

/// How a process ended.
struct Ending {
  int exit_code = 0;
  int signal = 0;  ///< 0: it ended by itself

  bool is_good() const noexcept { return exit_code == 0 && signal == 0; }
  /// It was stopped in whatever it did: by the kernel short of memory, an administrator, or a limit
  /// of processor time. Any other signal may be of its own making, on its way out.
  bool is_cut() const noexcept;
  std::string to_string() const;
};

/// A process that leads its own group, until it is reaped.
///
/// Owns:    the duty to reap: one that is destroyed alive is killed with its group and waited for.
/// Threads: one at a time.
class Child {
 public:
  Child() noexcept = default;
  Child(pid_t pid, base::UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}
  Child& operator=(Child&& other) noexcept;
  ~Child();

  bool is_running() const noexcept { return pid_ > 0; }
  pid_t pid() const noexcept { return pid_; }
  /// Readable once the process has ended.
  int pidfd() const noexcept { return pidfd_.get(); }

  /// It is on its way out, or there already: its descriptors may be closed before its end is seen.
  bool is_exiting() const;
  /// Signals the whole group. The group's number stays ours until the process is reaped.
  void signal_group(int signal) const noexcept;
  /// How it ended; nothing while it runs.
  std::optional<Ending> reap() noexcept;
  /// Leaves it to run, unreaped, when this process is about to end itself.
  void release() noexcept { pid_ = -1; }
  /// Waits for the end.
  Ending wait() noexcept;

 private:
  Ending finish(int how, int status) noexcept;

  pid_t pid_ = -1;
  base::UniqueFd pidfd_;
};

}  // namespace manhattan::wrap
