// SPDX-License-Identifier: MIT
// manhattan-query: asks a manhattan-server, from a terminal or a script.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "bin/program.h"
#include "bin/query_commands.h"

namespace manhattan::program {
namespace {

using Values = options::variables_map;

constexpr std::int64_t kMaxWaitMs = 24 * 3600 * 1000;

Program described() {
  Program program;
  program.name = "manhattan-query";
  program.synopsis = "[options] COMMAND [argument...]";
  program.purpose = "Ask a manhattan-server what it has counted.\n\n" + command_summary();
  // clang-format off
  program.described.add_options()
      ("connect", options::value<std::string>()->default_value(query::kDefaultEndpoint)
          ->value_name("ENDPOINT"), "the server: tcp://HOST:PORT or ipc://PATH")
      ("wait", options::value<std::int64_t>()->default_value(3000)->value_name("MS"),
       "give up after MS milliseconds, with exit code 4")
      ("format", options::value<std::string>()->default_value("table")->value_name("NAME"),
       "table, tsv, csv or json")
      ("variant", options::value<std::string>()->value_name("TEST=POPULATION"),
       "only visitors who were shown POPULATION of the split TEST")
      ("rollup", options::value<std::string>()->value_name("KEY"), "name of a rollup; default all")
      ("bucket", options::value<std::string>()->value_name("ID"), "one cell of the rollup")
      ("site", options::value<std::int64_t>()->value_name("ID"), "one site; default all together")
      ("from", options::value<std::string>()->value_name("BUCKET"), "first bucket of series")
      ("to", options::value<std::string>()->value_name("BUCKET"), "last bucket of series");
  program.hidden.add_options()("operand", options::value<std::vector<std::string>>());
  // clang-format on
  program.positional.add("operand", -1);
  return program;
}

template <class T>
std::optional<T> value_of(const Values& values, const char* name) {
  if (values.count(name) == 0) return std::nullopt;
  return values[name].as<T>();
}

Question question_of(const Values& values) {
  auto operands =
      value_of<std::vector<std::string>>(values, "operand").value_or(std::vector<std::string>{});
  if (operands.empty()) throw ConfigError("which command?");
  Question question{.command = operands.front()};
  question.operands.assign(operands.begin() + 1, operands.end());
  question.variant = value_of<std::string>(values, "variant");
  question.rollup = value_of<std::string>(values, "rollup");
  question.bucket = value_of<std::string>(values, "bucket");
  question.from = value_of<std::string>(values, "from");
  question.to = value_of<std::string>(values, "to");
  question.site = value_of<std::int64_t>(values, "site");
  return question;
}

report::Style style_of(const Values& values) {
  report::Style style{.format = report::format_of(values["format"].as<std::string>())};
  if (::isatty(STDOUT_FILENO) == 0) return style;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) style.width = size.ws_col;
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  style.has_colour = (refused == nullptr || *refused == '\0') && terminal != nullptr &&
                     std::string(terminal) != "dumb";
  return style;
}

int run_query(const Values& values) {
  const auto question = question_of(values);
  const auto style = style_of(values);
  const auto wait_ms = values["wait"].as<std::int64_t>();
  if (wait_ms < 1 || wait_ms > kMaxWaitMs) {
    throw ConfigError("--wait must be from 1 to " + std::to_string(kMaxWaitMs) + " ms");
  }
  query::Client client(values["connect"].as<std::string>(), std::chrono::milliseconds(wait_ms));
  std::cout << ask(client, question, style) << std::flush;
  if (!std::cout) throw IoError("write", "standard output", last_error());
  return kDone;
}

}  // namespace
}  // namespace manhattan::program

int main(int argc, char** argv) {
  using manhattan::program::run;
  return run(argc, argv, manhattan::program::described(), manhattan::program::run_query);
}
