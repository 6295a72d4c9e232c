// SPDX-License-Identifier: MIT
// The commands of manhattan-query: what each asks, and the answer as text.
#pragma once

#include <string>
#include <vector>

#include "bin/query_question.h"
#include "bin/query_session.h"
#include "report/table.h"

namespace manhattan::program {

/// The answer, ready to print. ConfigError for wrong use, before anything is sent; what
/// Client::call throws.
std::string ask(Session& session, const Question& question, const report::Style& style);

/// The commands, one a line, for --help.
std::string command_summary();
/// Their names.
std::vector<std::string> command_names();

}  // namespace manhattan::program
