// SPDX-License-Identifier: MIT
#pragma once

#include "base/files.h"
#include "bin/replay_options.h"

namespace manhattan::program {

/// Looks at every byte of the logs and prints what is found, a line each. Damage so far: how many.
std::uint64_t check(const ReplayOptions& options);

}  // namespace manhattan::program
