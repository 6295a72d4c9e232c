// SPDX-License-Identifier: MIT
// The commands that judge split tests.
#pragma once

#include <string>

#include "bin/query_question.h"
#include "bin/query_session.h"
#include "report/table.h"

namespace manhattan::program {

std::string ask_results(Session& session, const Question& question, const report::Style& style);

// These ask no server; the session is there for the table of commands.
std::string compare_arms(Session& session, const Question& question, const report::Style& style);
std::string check_ratio(Session& session, const Question& question, const report::Style& style);
std::string plan_sample(Session& session, const Question& question, const report::Style& style);

}  // namespace manhattan::program
