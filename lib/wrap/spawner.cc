// SPDX-License-Identifier: MIT
#include "wrap/spawner.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace manhattan::wrap {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

// ThreadSanitizer takes clone for fork, and forgets our threads in the memory we share.
#ifdef __SANITIZE_THREAD__
constexpr bool kMayClone = false;
#else
constexpr bool kMayClone = true;
#endif

/// What parent and child share. The child writes `step` and `why` before it gives up.
struct Shared {
  const Launch* launch;
  const std::vector<int>* ignored_signals;
  volatile Launched::Step step = Launched::Step::none;
  volatile int why = 0;
};

/// Runs in the parent's memory while the parent waits: system calls only, past libc, which may keep
/// books that are the parent's; nothing that locks, allocates or writes what the parent reads, but
/// for Shared.
__attribute__((no_sanitize("address", "thread"))) int run_child(void* argument) {
  auto& shared = *static_cast<Shared*>(argument);
  const Launch& launch = *shared.launch;
  const auto give_up = [&](Launched::Step step) {
    shared.why = errno;
    shared.step = step;
    ::syscall(SYS_exit_group, 127);
  };
  ::syscall(SYS_setpgid, 0, 0);
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  ::syscall(SYS_dup3, launch.in, 0, 0);
  ::syscall(SYS_dup3, launch.out, 1, 0);
  ::syscall(SYS_dup3, launch.err, 2, 0);
  for (const auto& limit : launch.limits) {
    ::syscall(SYS_prlimit64, 0, limit.resource, &limit.value, nullptr);
  }
  // Too old a kernel: ours are close-on-exec anyway.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  if (::syscall(SYS_chdir, launch.folder) != 0) give_up(Launched::Step::enter_folder);
  constexpr std::size_t kMaskBytes = 8;  // of the kernel's signal mask
  // All zero is SIG_DFL without flags, however an architecture orders the fields.
  static constexpr char kDefaultAction[64] = {};
  for (const int signal : *shared.ignored_signals) {
    ::syscall(SYS_rt_sigaction, signal, kDefaultAction, nullptr, kMaskBytes);
  }
  static constexpr char kEmptyMask[kMaskBytes] = {};
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, kEmptyMask, nullptr, kMaskBytes);
  if (launch.file >= 0) {
    ::syscall(SYS_execveat, launch.file, "", launch.arguments, launch.environment, AT_EMPTY_PATH);
    // ENOENT: a script, whose interpreter would find /dev/fd/N closed. It is left to its path.
    if (errno != ENOENT) give_up(Launched::Step::execute);
  }
  ::syscall(SYS_execve, launch.program, launch.arguments, launch.environment);
  give_up(Launched::Step::execute);
  return 127;
}

struct SpawnActions {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  SpawnActions() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
};

Launched spawn_portably(const Launch& launch) noexcept {
  SpawnActions actions;
  ::posix_spawn_file_actions_adddup2(&actions.files, launch.in, 0);
  ::posix_spawn_file_actions_adddup2(&actions.files, launch.out, 1);
  ::posix_spawn_file_actions_adddup2(&actions.files, launch.err, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&actions.files, 3);
  ::posix_spawn_file_actions_addchdir_np(&actions.files, launch.folder);
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&actions.attributes, &all);
  ::posix_spawnattr_setsigmask(&actions.attributes, &none);
  ::posix_spawnattr_setpgroup(&actions.attributes, 0);
  ::posix_spawnattr_setflags(
      &actions.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int why = ::posix_spawn(&pid, launch.program, &actions.files, &actions.attributes,
                                launch.arguments, launch.environment);
  if (why != 0) return {{}, Launched::Step::execute, why};
  for (const auto& limit : launch.limits) {  // late: there is no action for it
    ::prlimit(pid, static_cast<__rlimit_resource>(limit.resource), &limit.value, nullptr);
  }
  base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int pidfd_why = errno;
  const bool is_watched = bool(pidfd);
  Child child(pid, std::move(pidfd));
  if (!is_watched) return {{}, Launched::Step::spawn, pidfd_why};  // ends the child, too
  return {std::move(child), Launched::Step::none, 0};
}

}  // namespace

Spawner::Spawner() : stack_(new std::byte[kStackBytes]) {
  for (int signal = 1; signal < SIGRTMAX; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
      ignored_signals_.push_back(signal);
    }
  }
}

Launched Spawner::launch(const Launch& launch) noexcept {
  if (!kMayClone) return spawn_portably(launch);
  Shared shared{&launch, &ignored_signals_};
  int pidfd = -1;
  const pid_t pid = ::clone(run_child, stack_.get() + kStackBytes,
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &shared, &pidfd);
  if (pid < 0) {
    const bool is_refused = errno == EPERM || errno == ENOSYS || errno == EINVAL;
    if (!is_refused) return {{}, Launched::Step::spawn, errno};
    return spawn_portably(launch);
  }
  Child child(pid, base::UniqueFd(pidfd));
  if (shared.step == Launched::Step::none) return {std::move(child), Launched::Step::none, 0};
  child.wait();
  return {{}, shared.step, shared.why};
}

}  // namespace manhattan::wrap
