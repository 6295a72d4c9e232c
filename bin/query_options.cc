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

/// A check for a number from `least` to `most`.
Option::Check number_between(const char* option, double least, double most) {
  return [=](const std::string& text) { number_in(option, text, least, most); };
}

/// Those that become Question::options.
std::vector<Option> question_options() {
  const auto is_variant = [](const std::string& text) { variant_in(text); };
  const auto is_largest = [](const std::string& text) { largest_in(text); };
  const auto are_weights = [](const std::string& text) { weights_in(text); };
  // clang-format off
  return {
      text("variant", "TEST=POPULATION", "only visitors who were shown POPULATION of the split TEST")
          .free_text().checked_by(is_variant),
      text("rollup", "KEY", "name of a rollup; default all").free_text(),
      text("bucket", "ID", "one cell of the rollup").free_text(),
      text("from", "BUCKET", "first bucket of series").free_text(),
      text("to", "BUCKET", "last bucket of series").free_text(),
      text("largest", "N", "series: only the N buckets with the most visitors, those first")
          .checked_by(is_largest),
      flag("plot", "draw series in the terminal"),
      text("control", "POPULATION", "what the others are compared with; default control, False or first")
          .free_text(),
      text("alpha", "A", "how often chance may look like an effect; default 0.05")
          .documented_default("0.05").checked_by(number_between("--alpha", 1e-9, 0.5)),
      text("planned", "N", "visitors at which the test was planned to end")
          .checked_by(number_between("--planned", 1, kMostVisitors)),
      text("weights", "W,W...", "how visitors should fall to the populations; default all alike")
          .checked_by(are_weights),
      text("margin", "M", "compare: the lift that must not be undercut, such as -0.05")
          .checked_by(number_between("--margin", -1, 1)),
      flag("value", "compare: arms are VISITORS:SUM:SQUARES"),
      text("rate", "R", "sample-size: conversions per visitor of the control")
          .checked_by(number_between("--rate", 1e-9, 1 - 1e-9)),
      text("lift", "L", "sample-size: what is to be seen, as part of the rate")
          .checked_by(number_between("--lift", -1, 1e9)),
      text("sd", "S", "sample-size: standard deviation of a visitor's value")
          .checked_by(number_between("--sd", 1e-12, 1e15)),
      text("delta", "D", "sample-size: difference of means to be seen")
          .checked_by(number_between("--delta", -1e15, 1e15)),
      text("power", "P", "sample-size: how often it is to be seen; default 0.8")
          .documented_default("0.8").checked_by(number_between("--power", 0.01, 1 - 1e-9)),
      text("ratio", "K", "sample-size: visitors of an arm for one of the control; default 1")
          .documented_default("1").checked_by(number_between("--ratio", 1e-3, 1e3)),
      text("visitors", "N", "sample-size: also say what N visitors show")
          .checked_by(number_between("--visitors", 2, 1e15)),
  };
  // clang-format on
}

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
  // clang-format off
  program.described = {
      text("connect", "ENDPOINT", "the server: tcp://HOST:PORT or ipc://PATH")
          .by_default(query::kDefaultEndpoint).checked_by(query::check_endpoint),
      number("wait", "MS", "give up after MS milliseconds, with exit code 4")
          .by_default(3000).between(1, kMaxWaitMs),
      text("format", "NAME", "table, tsv, csv or json; for status also prometheus")
          .by_default("table").one_of({"table", "tsv", "csv", "json", "prometheus"}),
      number("site", "ID", "one site; default all together").between(0, INT32_MAX)};
  // clang-format on
  for (auto& option : question_options()) program.described.push_back(std::move(option));
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
  for (const auto& option : question_options()) {
    const auto& name = option.name();
    if (option.kind() == Option::Kind::flag) {
      if (values[name].as<bool>()) question.options[name] = "";
    } else if (auto given = value_of<std::string>(values, name.c_str())) {
      question.options[name] = *std::move(given);
    }
  }
  question.site = value_of<std::int64_t>(values, "site");
  question.is_site_typed = is_typed(values, "site");
  return question;
}

Session session_of(const Values& values) {
  return {values["connect"].as<std::string>(),
          std::chrono::milliseconds(values["wait"].as<std::int64_t>())};
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
