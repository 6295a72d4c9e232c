// SPDX-License-Identifier: MIT
#include "ring/owner.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/unique_fd.h"

namespace manhattan::ring {
namespace {

thread_local std::uint32_t cached_owner = 0;

void forget_owner() noexcept { cached_owner = 0; }

std::uint32_t find_owner() noexcept {
  // The child of a fork has one thread, the one that runs this handler.
  static const int is_registered = ::pthread_atfork(nullptr, nullptr, forget_owner);
  const auto owner = static_cast<std::uint32_t>(::gettid());
  if (is_registered == 0) cached_owner = owner;
  return owner;
}

/// Z or X in /proc/ID/stat, after the name in parentheses, which may hold anything.
bool is_zombie(std::string_view stat) noexcept {
  const auto end = stat.rfind(") ");
  if (end == std::string_view::npos || end + 2 >= stat.size()) return false;
  const char state = stat[end + 2];
  return state == 'Z' || state == 'X' || state == 'x';
}

}  // namespace

std::uint32_t current_owner() noexcept { return cached_owner != 0 ? cached_owner : find_owner(); }

std::uint64_t current_pid_namespace() noexcept {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

bool is_gone(std::uint32_t owner) noexcept {
  if (owner == 0) return false;
  if (::kill(static_cast<pid_t>(owner), 0) != 0) return errno == ESRCH;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%u/stat", owner);
  const base::UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return errno == ENOENT;
  char text[256];
  const auto got = ::read(fd.get(), text, sizeof text);
  return got > 0 ? is_zombie({text, static_cast<std::size_t>(got)}) : errno == ESRCH;
}

}  // namespace manhattan::ring
