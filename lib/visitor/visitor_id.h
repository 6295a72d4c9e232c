// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace manhattan::visitor {

/// 40 hexadecimal characters from the system's randomness.
///
/// Threads: any number.
/// Errors:  Error where the system has no randomness to give.
std::string new_visitor_id();

}  // namespace manhattan::visitor
