// SPDX-License-Identifier: MIT
#include "bin/query_question.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace manhattan::program {
namespace {

// Doubles count one by one up to 2^53.
constexpr double kMostVisitors = 1e15;

template <class Number>
std::optional<Number> parse(const std::string& text) {
  Number number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::string shown(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

}  // namespace

std::optional<std::string> Question::text(const std::string& name) const {
  const auto found = options.find(name);
  if (found == options.end()) return std::nullopt;
  return found->second;
}

std::optional<double> Question::number(const std::string& name, double least, double most) const {
  const auto given = text(name);
  if (!given) return std::nullopt;
  return number_in("--" + name, *given, least, most);
}

void need_operands(const Question& question, std::size_t least, std::size_t most) {
  const auto count = question.operands.size();
  for (const auto& name : question.operands) {
    if (name.empty()) throw ConfigError("'" + question.command + "' was given an empty name");
  }
  if (count >= least && count <= most) return;
  throw ConfigError("'" + question.command + "' was given too " + (count < least ? "few" : "many") +
                    " names; names with blanks need quotes");
}

std::string as_utf8(const std::string& text) {
  return base::is_utf8(text) ? text : base::latin1_to_utf8(text);
}

double number_in(const std::string& what, const std::string& text, double least, double most) {
  const auto number = parse<double>(text);
  if (number && *number >= least && *number <= most) return *number;
  throw ConfigError(what + " '" + text + "' is no number from " + shown(least) + " to " +
                    shown(most));
}

std::int64_t count_in(const std::string& what, const std::string& text) {
  const auto number = parse<std::int64_t>(text);
  if (number && *number >= 0 && static_cast<double>(*number) <= kMostVisitors) return *number;
  throw ConfigError(what + " '" + text + "' is no whole number from 0 to " + shown(kMostVisitors));
}

std::vector<double> numbers_in(const std::string& what, const std::string& text, double least,
                               double most) {
  std::vector<double> numbers;
  for (const auto piece : base::split(text, ',')) {
    numbers.push_back(number_in(what, std::string(base::trim(piece)), least, most));
  }
  return numbers;
}

report::AnalysisOptions analysis_options(const Question& question) {
  report::AnalysisOptions options;
  options.alpha = question.number("alpha", 1e-9, 0.5).value_or(options.alpha);
  options.planned = question.number("planned", 1, kMostVisitors);
  if (const auto control = question.text("control")) options.control = as_utf8(*control);
  if (const auto weights = question.text("weights")) {
    options.weights = numbers_in("--weights", *weights, 0, 1e9);
    std::size_t used = 0;
    for (const double weight : options.weights) used += weight > 0 ? 1 : 0;
    if (used < 2) throw ConfigError("--weights '" + *weights + "' has less than two above 0");
  }
  return options;
}

}  // namespace manhattan::program
