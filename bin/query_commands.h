// SPDX-License-Identifier: MIT
// The commands of manhattan-query: what each asks, and the answer as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "query/client.h"
#include "report/table.h"

namespace manhattan::program {

/// One question, as the command line puts it.
struct Question {
  std::string command;
  std::vector<std::string> operands = {};
  std::optional<std::string> variant = {}, rollup = {}, bucket = {}, from = {}, to = {};
  std::optional<std::int64_t> site = {};
};

/// The answer, ready to print. ConfigError for wrong use, before anything is sent; what
/// Client::call throws.
std::string ask(query::Client& client, const Question& question, const report::Style& style);

/// The commands, one a line, for --help.
std::string command_summary();

}  // namespace manhattan::program
