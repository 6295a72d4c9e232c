// SPDX-License-Identifier: MIT
#include "bin/query_options.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "bin/query_commands.h"

namespace manhattan::program {
namespace {

using Values = options::variables_map;

constexpr std::int64_t kMaxWaitMs = 24 * 3600 * 1000;

struct Option {
  const char* name;
  const char* value;  ///< null: a flag
  const char* says;
};

/// Those that become Question::options.
const Option kOptions[] = {
    {"variant", "TEST=POPULATION", "only visitors who were shown POPULATION of the split TEST"},
    {"rollup", "KEY", "name of a rollup; default all"},
    {"bucket", "ID", "one cell of the rollup"},
    {"from", "BUCKET", "first bucket of series"},
    {"to", "BUCKET", "last bucket of series"},
    {"largest", "N", "series: only the N buckets with the most visitors, those first"},
    {"plot", nullptr, "draw series in the terminal"},
    {"control", "POPULATION", "what the others are compared with; default control, False or first"},
    {"alpha", "A", "how often chance may look like an effect; default 0.05"},
    {"planned", "N", "visitors at which the test was planned to end"},
    {"weights", "W,W...", "how visitors should fall to the populations; default all alike"},
    {"margin", "M", "compare: the lift that must not be undercut, such as -0.05"},
    {"value", nullptr, "compare: arms are VISITORS:SUM:SQUARES"},
    {"rate", "R", "sample-size: conversions per visitor of the control"},
    {"lift", "L", "sample-size: what is to be seen, as part of the rate"},
    {"sd", "S", "sample-size: standard deviation of a visitor's value"},
    {"delta", "D", "sample-size: difference of means to be seen"},
    {"power", "P", "sample-size: how often it is to be seen; default 0.8"},
    {"ratio", "K", "sample-size: visitors of an arm for one of the control; default 1"},
    {"visitors", "N", "sample-size: also say what N visitors show"},
};

template <class T>
std::optional<T> value_of(const Values& values, const char* name) {
  if (values.count(name) == 0) return std::nullopt;
  return values[name].as<T>();
}

}  // namespace

Program query_program() {
  Program program;
  program.name = "manhattan-query";
  program.synopsis = "[options] COMMAND [argument...]";
  program.purpose = "Ask a manhattan-server what it has counted.\n\n" + command_summary();
  auto add = program.described.add_options();
  // clang-format off
  add("connect", options::value<std::string>()->default_value(query::kDefaultEndpoint)
          ->value_name("ENDPOINT"), "the server: tcp://HOST:PORT or ipc://PATH")
     ("wait", options::value<std::int64_t>()->default_value(3000)->value_name("MS"),
      "give up after MS milliseconds, with exit code 4")
     ("format", options::value<std::string>()->default_value("table")->value_name("NAME"),
      "table, tsv, csv or json; for status also prometheus")
     ("site", options::value<std::int64_t>()->value_name("ID"), "one site; default all together");
  // clang-format on
  for (const auto& option : kOptions) {
    if (option.value == nullptr) {
      add(option.name, options::bool_switch(), option.says);
    } else {
      add(option.name, options::value<std::string>()->value_name(option.value), option.says);
    }
  }
  program.hidden.add_options()("operand", options::value<std::vector<std::string>>());
  program.positional.add("operand", -1);
  return program;
}

Question question_of(const Values& values) {
  const auto operands =
      value_of<std::vector<std::string>>(values, "operand").value_or(std::vector<std::string>{});
  Question question;
  if (!operands.empty()) {
    question.command = operands.front();
    question.operands.assign(operands.begin() + 1, operands.end());
  }
  for (const auto& option : kOptions) {
    if (option.value == nullptr) {
      if (values[option.name].as<bool>()) question.options[option.name] = "";
    } else if (auto given = value_of<std::string>(values, option.name)) {
      question.options[option.name] = *std::move(given);
    }
  }
  question.site = value_of<std::int64_t>(values, "site");
  return question;
}

Session session_of(const Values& values) {
  const auto wait_ms = values["wait"].as<std::int64_t>();
  if (wait_ms < 1 || wait_ms > kMaxWaitMs) {
    throw ConfigError("--wait must be from 1 to " + std::to_string(kMaxWaitMs) + " ms");
  }
  const auto endpoint = values["connect"].as<std::string>();
  query::check_endpoint(endpoint);
  return {endpoint, std::chrono::milliseconds(wait_ms)};
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

}  // namespace manhattan::program
