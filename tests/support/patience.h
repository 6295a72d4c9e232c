// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdlib>

namespace manhattan::tests {

/// Longer than anything takes that a test waits for; a test that reaches it fails.
inline const std::chrono::seconds kPatience(std::getenv("PATIENCE_S") == nullptr
                                                ? 60  // see scripts/check
                                                : std::atoi(std::getenv("PATIENCE_S")));

}  // namespace manhattan::tests
