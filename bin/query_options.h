// SPDX-License-Identifier: MIT
#pragma once

#include "bin/program.h"
#include "bin/query_question.h"
#include "bin/query_session.h"
#include "report/table.h"

namespace manhattan::program {

Program query_program();

/// Command, operands and options; no command where none was given.
Question question_of(const options::variables_map& values);
Session session_of(const options::variables_map& values);
/// --format, and what standard output can show.
report::Style style_of(const options::variables_map& values);

}  // namespace manhattan::program
