// SPDX-License-Identifier: MIT
#pragma once

#include "bin/program.h"
#include "bin/query_question.h"
#include "bin/query_session.h"
#include "report/table.h"

namespace manhattan::program {

/// Answers the lines of standard input, on one connection: with prompt, history and completion on
/// a terminal, plainly for a script. A wrong line is told on standard error and the next one is
/// read. `base`: the options that each line has, where it says nothing else. Returns the exit code
/// of the first line that failed; on a terminal, 0.
int run_shell(Session& session, const Question& base, const report::Style& style);

}  // namespace manhattan::program
