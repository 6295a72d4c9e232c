// SPDX-License-Identifier: MIT
// Who owns a reserved record, and whether it is still alive.
#pragma once

#include <cstdint>

namespace manhattan::ring {

/// This thread's id in its own pid namespace; cached, and right after a fork.
std::uint32_t current_owner() noexcept;

/// A number of this process's pid namespace; 0 where it can't be found out.
std::uint64_t current_pid_namespace() noexcept;

/// No thread of that id, or only a zombie. Ids are used again, so "no" may be wrong; "yes" is not.
bool is_gone(std::uint32_t owner) noexcept;

}  // namespace manhattan::ring
