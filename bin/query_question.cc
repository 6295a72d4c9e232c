// SPDX-License-Identifier: MIT
#include "bin/query_question.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace manhattan::program {
namespace {

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

void need_operands(const Question& question, const char* missing, std::size_t least,
                   std::size_t most) {
  const auto count = question.operands.size();
  for (const auto& name : question.operands) {
    if (name.empty()) throw ConfigError("'" + question.command + "' was given an empty name");
  }
  if (count < least)
    throw ConfigError("missing " + std::string(missing) + " for '" + question.command + "'");
  if (count > most)
    throw ConfigError("'" + question.operands[most] + "' is one argument too many for '" +
                      question.command + "'; a name with blanks needs quotes");
}

void need_no_operands(const Question& question) { need_operands(question, "", 0, 0); }

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

std::pair<std::string, std::string> variant_in(const std::string& text) {
  const auto variant = as_utf8(text);
  const auto equals = variant.rfind('=');
  if (equals != std::string::npos && equals != 0)
    return {variant.substr(0, equals), variant.substr(equals + 1)};
  throw ConfigError("variant '" + variant + "' is not TEST=POPULATION");
}

std::int64_t largest_in(const std::string& text) {
  const auto most = count_in("--largest", text);
  if (most < 1 || most > 1000) throw ConfigError("--largest must be from 1 to 1000");
  return most;
}

std::vector<double> weights_in(const std::string& text) {
  auto weights = numbers_in("--weights", text, 0, 1e9);
  const auto used = std::ranges::count_if(weights, [](double weight) { return weight > 0; });
  if (used < 2) throw ConfigError("--weights '" + text + "' has less than two above 0");
  return weights;
}

report::AnalysisOptions analysis_options(const Question& question) {
  report::AnalysisOptions options;
  options.alpha = question.number("alpha", 1e-9, 0.5).value_or(options.alpha);
  options.planned = question.number("planned", 1, kMostVisitors);
  if (const auto control = question.text("control")) options.control = as_utf8(*control);
  if (const auto weights = question.text("weights")) options.weights = weights_in(*weights);
  return options;
}

}  // namespace manhattan::program
