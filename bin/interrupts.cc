// SPDX-License-Identifier: MIT
#include "bin/interrupts.h"

namespace manhattan::program {

Interrupts::Interrupts() noexcept {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

bool Interrupts::is_pending() const noexcept {
  sigset_t pending;
  if (is_taken_ || ::sigpending(&pending) != 0) return is_taken_;
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

void Interrupts::sleep(std::chrono::nanoseconds most) noexcept {
  if (is_taken_) return;
  const auto whole = std::chrono::floor<std::chrono::seconds>(most);
  const timespec nap{whole.count(), (most - whole).count()};
  if (::sigtimedwait(&signals_, nullptr, &nap) > 0) is_taken_ = true;
}

}  // namespace manhattan::program
