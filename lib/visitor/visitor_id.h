// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace manhattan::visitor {

/// 40 hexadecimal characters: 36 from the system's randomness, then the day on which it was made.
///
/// Threads: any number.
/// Errors:  Error where the system has no randomness to give.
std::string new_visitor_id();

/// `id` was made in the last 30 days. Of one that was made elsewhere nobody knows, and mostly it is
/// not.
bool is_new(std::string_view id, UnixNanos now) noexcept;

}  // namespace manhattan::visitor
