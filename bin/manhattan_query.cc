// SPDX-License-Identifier: MIT
// manhattan-query: asks a manhattan-server, from a terminal or a script.
#include <iostream>

#include "base/error.h"
#include "bin/query_commands.h"
#include "bin/query_options.h"
#include "bin/query_shell.h"

namespace manhattan::program {
namespace {

int run_query(const options::variables_map& values) {
  const auto question = question_of(values);
  const auto style = style_of(values);
  auto session = session_of(values);
  if (question.command.empty()) return run_shell(session, question, style);
  std::cout << ask(session, question, style) << std::flush;
  if (!std::cout) throw IoError("write", "standard output", last_error());
  return kDone;
}

}  // namespace
}  // namespace manhattan::program

int main(int argc, char** argv) {
  using manhattan::program::run;
  return run(argc, argv, manhattan::program::query_program(), manhattan::program::run_query);
}
