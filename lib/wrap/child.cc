// SPDX-License-Identifier: MIT
#include "wrap/child.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace manhattan::wrap {

bool Ending::is_cut() const noexcept { return signal == SIGKILL || signal == SIGXCPU; }

std::string Ending::to_string() const {
  if (signal == 0) return "exit code " + std::to_string(exit_code);
  const char* name = ::sigabbrev_np(signal);
  return "signal " + std::to_string(signal) + (name ? std::string(" (SIG") + name + ")" : "");
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

Child::~Child() {
  if (!is_running()) return;
  signal_group(SIGKILL);
  wait();
}

bool Child::is_exiting() const {
  constexpr unsigned kExiting = 4;  // PF_EXITING of Linux, in the ninth field: proc(5)
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text;
  std::getline(file, text, '\0');
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int i = 3; i < 9; ++i) fields >> skipped;
  unsigned flags = 0;
  return (fields >> flags) && (flags & kExiting) != 0;
}

void Child::signal_group(int signal) const noexcept {
  if (is_running()) ::kill(-pid_, signal);
}

std::optional<Ending> Child::reap() noexcept {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
    return {};
  }
  return finish(info.si_code, info.si_status);
}

Ending Child::wait() noexcept {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return finish(info.si_code, info.si_status);
}

Ending Child::finish(int how, int status) noexcept {
  pid_ = -1;
  pidfd_.reset();
  return how == CLD_EXITED ? Ending{status, 0} : Ending{0, status};
}

}  // namespace manhattan::wrap
