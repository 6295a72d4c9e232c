// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/message_log.h"
#include "bin/replay_filter.h"
#include "bin/replay_options.h"

namespace manhattan::program {

/// What manhattan-log was told.
struct ObserveOptions {
  std::string ring;
  Filter filter;
  Format format = Format::text;
};

/// Prints the records that come into a ring, until SIGINT or SIGTERM; overruns go to `messages`.
/// Where another ring takes the place of this one, goes on with that.
///
/// Errors: ConfigError or IoError where there is no ring at the start; IoError where standard
///         output can't be written.
void observe(const ObserveOptions& options, base::MessageLog& messages);

}  // namespace manhattan::program
