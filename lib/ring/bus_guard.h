// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace manhattan::ring {

/// Takes over the process's handler of SIGBUS, which survives() needs: for the server and
/// observers, not for a web request. Calling it again does no harm.
void catch_bus_errors() noexcept;

/// Runs `body`, which touches `memory`; false where it met a page that is gone because somebody cut
/// the mapped file short. Without this, the process would die of SIGBUS.
///
/// `body` is left in its middle: it must own nothing, and what it wrote elsewhere is not to be
/// trusted. Any other SIGBUS ends the process as ever.
///
/// Threads: any.
[[nodiscard]] bool survives(std::span<const std::byte> memory, const std::function<void()>& body);

}  // namespace manhattan::ring
