// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/message_log.h"
#include "bin/replay_options.h"

namespace manhattan::program {

/// Appends a record in `format`: the log's own line, tab-separated columns (header()), or an
/// object.
void append_record(Format format, const Record& record, std::string_view line, std::string& out);

/// Where nobody reads our output any more, as behind `| head`, SIGPIPE ends us, also where whoever
/// started us has it ignored.
void end_quietly_without_reader() noexcept;

/// The line above the columns of tsv; empty for other formats.
std::string_view header(Format format) noexcept;

/// Prints records on standard output, and follows the logs where that is asked for.
///
/// Errors: ConfigError where logs of several folders are to be followed; IoError.
void print(base::Files& files, const ReplayOptions& options, base::MessageLog& messages);

}  // namespace manhattan::program
