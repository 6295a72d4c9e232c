// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

namespace manhattan::ring {

/// Takes over the process's handler of SIGBUS, which survives() needs: for programs of ours, not
/// for a library inside of somebody else's. Calling it again does no harm.
void catch_bus_errors() noexcept;

/// survives() for a body that is a function and what it is called with.
[[nodiscard]] bool survives_call(std::span<const std::byte> memory, void (*call)(void*),
                                 void* body);

/// Runs `body`, which touches `memory`; false where it met a page that is gone because somebody cut
/// the mapped file short. Without this, the process would die of SIGBUS.
///
/// `body` is left in its middle: it must own nothing, and what it wrote elsewhere is not to be
/// trusted. Any other SIGBUS ends the process as ever.
///
/// Threads: any.
template <class Body>
[[nodiscard]] bool survives(std::span<const std::byte> memory, const Body& body) {
  return survives_call(
      memory, [](void* it) { (*static_cast<const Body*>(it))(); }, const_cast<Body*>(&body));
}

}  // namespace manhattan::ring
