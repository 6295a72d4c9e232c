// SPDX-License-Identifier: MIT
#include "ring/bus_guard.h"

#include <setjmp.h>
#include <signal.h>

namespace manhattan::ring {
namespace {

/// Where to go on after a fault in `memory`.
struct Guard {
  sigjmp_buf back;
  std::span<const std::byte> memory;
};

thread_local Guard* current = nullptr;  // a handler has no other way to find it

extern "C" void leave_guarded(int, siginfo_t* fault, void*) {
  const auto* at = static_cast<const std::byte*>(fault->si_addr);
  const auto* guard = current;
  if (guard != nullptr && at >= guard->memory.data() &&
      at < guard->memory.data() + guard->memory.size()) {
    ::siglongjmp(current->back, 1);
  }
  ::signal(SIGBUS, SIG_DFL);  // the instruction is tried again, and ends us
}

}  // namespace

void catch_bus_errors() noexcept {
  struct sigaction action {};
  action.sa_sigaction = leave_guarded;
  // Not held back in the handler, which is left by a jump: so no mask has to be saved each time.
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigaction(SIGBUS, &action, nullptr);  // fails for no signal that there is
}

bool survives_call(std::span<const std::byte> memory, void (*call)(void*), void* body) {
  Guard guard;
  guard.memory = memory;
  auto* const outer = current;
  if (sigsetjmp(guard.back, 0) != 0) {
    current = outer;
    return false;
  }
  current = &guard;
  try {
    call(body);
  } catch (...) {
    current = outer;
    throw;
  }
  current = outer;
  return true;
}

}  // namespace manhattan::ring
