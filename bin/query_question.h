// SPDX-License-Identifier: MIT
// One question, as the command line or a line of the shell puts it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/split_analysis.h"

namespace manhattan::program {

struct Question {
  std::string command;
  std::vector<std::string> operands = {};
  std::map<std::string, std::string> options = {};  ///< those given; a flag's value is empty
  std::optional<std::int64_t> site = {};
  bool is_site_typed = false;  ///< with the question, and not by a config file for all of them

  bool has(const std::string& name) const { return options.count(name) != 0; }
  std::optional<std::string> text(const std::string& name) const;
  /// ConfigError, naming the option, where it is no number from `least` to `most`.
  std::optional<double> number(const std::string& name, double least, double most) const;
};

/// ConfigError for too few, too many or empty operands; `missing` says what to give, `GOAL`.
void need_operands(const Question& question, const char* missing, std::size_t least,
                   std::size_t most);
/// The same, for a command without operands.
void need_no_operands(const Question& question);

/// As a log's names are read: what is no UTF-8 is latin-1.
std::string as_utf8(const std::string& text);

/// `text` as a number; ConfigError, which calls it `what`, where it is none in that range.
double number_in(const std::string& what, const std::string& text, double least, double most);
std::int64_t count_in(const std::string& what, const std::string& text);
/// `0.5,0.3,0.2`.
std::vector<double> numbers_in(const std::string& what, const std::string& text, double least,
                               double most);

/// Doubles count one by one up to 2^53.
inline constexpr double kMostVisitors = 1e15;

/// `TEST=POPULATION` in UTF-8, divided at the last equals sign.
std::pair<std::string, std::string> variant_in(const std::string& text);
/// --largest: how many buckets.
std::int64_t largest_in(const std::string& text);
/// --weights, of which two at least are above 0.
std::vector<double> weights_in(const std::string& text);

/// --alpha, --planned, --control, --weights.
report::AnalysisOptions analysis_options(const Question& question);

}  // namespace manhattan::program
