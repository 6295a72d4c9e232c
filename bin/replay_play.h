// SPDX-License-Identifier: MIT
#pragma once

#include "base/message_log.h"
#include "bin/replay_options.h"

namespace manhattan::program {

/// Writes records into a ring at the pace at which they happened, or a multiple of it. Where the
/// ring is full it waits: this is no web request.
///
/// Errors: ConfigError and IoError where there is no ring; Error where it was interrupted or the
///         ring was replaced; DamageError where the ring is damaged.
void play(base::Files& files, const ReplayOptions& options, base::MessageLog& messages);

}  // namespace manhattan::program
