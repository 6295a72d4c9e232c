// SPDX-License-Identifier: MIT
#pragma once

#include "base/message_log.h"
#include "bin/replay_options.h"

namespace manhattan::program {

/// Counts logs into a store, from where the store is by now.
///
/// A kill at any instruction leaves a store that the same call goes on with; SIGINT and SIGTERM end
/// it within a second, after a commit where one takes no longer.
/// Errors: ConfigError where the store is of other logs, filters, rollups or goals; StoreError;
///         Error where it was interrupted.
void rebuild(base::Files& files, const ReplayOptions& options, base::MessageLog& messages);

/// The store at `location`, kept from other programs that count. ConfigError where one does.
std::unique_ptr<store::Store> open_alone(const store::Location& location);

}  // namespace manhattan::program
