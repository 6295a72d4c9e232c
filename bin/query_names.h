// SPDX-License-Identifier: MIT
// Names in a question that the server has never met. They count 0 and are no error, for a goal may
// not have been reached yet; but one that comes near a known name is a slip of the keyboard.
#pragma once

#include <string>
#include <vector>

#include "bin/query_question.h"
#include "bin/query_session.h"

namespace manhattan::program {

std::vector<std::string> known_goals(Session& session);
std::vector<std::string> known_tests(Session& session);

/// To be called where the answer is nothing. Error, which names the near one: no such goal, test,
/// population or bucket. ConfigError: no such rollup, near or not.
void refuse_slips(Session& session, const Question& question);

/// The same for a test and goals by which it is judged.
void refuse_slips(Session& session, const std::string& test, const std::vector<std::string>& goals);

/// ConfigError where the server does not have the rollup of --rollup.
void need_rollup(Session& session, const Question& question);

}  // namespace manhattan::program
