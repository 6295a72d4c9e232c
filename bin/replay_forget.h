// SPDX-License-Identifier: MIT
#pragma once

#include "base/message_log.h"
#include "bin/replay_options.h"

namespace manhattan::program {

/// Takes visitors out of logs, and out of a store where one is named. Killed at any instruction,
/// the same call again does what is left.
///
/// Errors: ConfigError where a server has a log; IoError; StoreError; DamageError.
void forget(const ReplayOptions& options, base::MessageLog& messages);

}  // namespace manhattan::program
