// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "wrap/child.h"

namespace manhattan::wrap {

/// What a process may use at most: setrlimit(2).
struct Limit {
  int resource;  ///< RLIMIT_NOFILE and the like
  rlimit value;
};

/// What a child is to run, all of it borrowed.
struct Launch {
  const char* program = nullptr;
  int file = -1;  ///< the program's file, where no other may run; a script is run by its path
  char* const* arguments = nullptr;    ///< the first is the program's name; ends in a null
  char* const* environment = nullptr;  ///< ends in a null
  const char* folder = nullptr;        ///< the child's working directory
  int in = -1, out = -1, err = -1;     ///< its descriptors 0, 1 and 2; themselves above 2
  std::span<const Limit> limits;
};

struct Launched {
  enum class Step { none, spawn, enter_folder, execute };

  Child child;
  Step failed_at = Step::none;
  int why = 0;  ///< errno of the step that failed
};

/// Starts programs without copying our address space: clone(CLONE_VM | CLONE_VFORK), or
/// posix_spawn where a sandbox refuses that. A child leads its own group, has descriptors 0 to 2
/// alone, default signals, an empty mask, and gets SIGTERM when the thread that started it ends.
///
/// Threads: one object a thread.
/// Blocks:  until the child has begun to run its program.
/// Errors:  by value.
class Spawner {
 public:
  Spawner();

  Launched launch(const Launch& launch) noexcept;

 private:
  std::unique_ptr<std::byte[]> stack_;  ///< the child's, until it runs its program
  std::vector<int> ignored_signals_;
};

}  // namespace manhattan::wrap
