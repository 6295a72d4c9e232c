// SPDX-License-Identifier: MIT
// What every program does alike: options, config file, --help, --version, exit codes.
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bin/option.h"

namespace manhattan::program {

enum ExitCode { kDone = 0, kFailed = 1, kWrongUse = 2, kDamaged = 3, kTimedOut = 4 };

inline constexpr const char* kConfigFile = "/etc/manhattan/manhattan.conf";

/// One program's face: it feeds the parser, `--help` and the config file.
struct Program {
  std::string name;               ///< `manhattan-query`; also its section of the config file
  std::string synopsis;           ///< `[options] COMMAND`, for `--help`
  std::string purpose;            ///< one line
  std::vector<Option> described;  ///< also keys of the config file
  options::positional_options_description positional;
  /// Options that `positional` needs or that only make sense on a command line; not shown.
  options::options_description hidden;
  /// Variable of the environment -> option: after the command line, before the config file.
  std::map<std::string, std::string> environment;
  /// For --check-config: ConfigError for what the start would refuse beyond the value of any single
  /// option. What may only be missing, because the command line that starts the program has it, is
  /// no fault here.
  std::function<void(const options::variables_map&)> check;
};

/// --config, --check-config, --help and --version: of every program, and not keys of the file.
const std::vector<Option>& common_options();

/// A command line alone, which may be a line that was typed into the program. ConfigError for
/// unknown options, and what else does not fit.
options::variables_map read_words(options::command_line_parser words, const Program& program);

/// Whether the command line itself has option `name`, and not the environment or the file alone.
bool is_typed(const options::variables_map& values, const std::string& name);

/// Parses the command line, then the program's section of the config file (the command line
/// wins), and calls `body`. Turns errors into one line on stderr and an exit code. For
/// --check-config it checks every section of the file instead, those of other programs by running
/// them, and prints the options in force.
int run(int argc, char** argv, const Program& program,
        const std::function<int(const options::variables_map&)>& body);

/// What `run` would hand to `body`, the config file read anew. ConfigError for whatever is wrong.
options::variables_map reread(int argc, char** argv, const Program& program);

/// Names of options whose values differ, by what reading the config file again does with them.
struct Changes {
  std::vector<std::string> taking_effect;
  std::vector<std::string> needing_restart;
};
Changes changes_between(const Program& program, const options::variables_map& before,
                        const options::variables_map& now);

/// `a, b and c`.
std::string enumerated(const std::vector<std::string>& names);

}  // namespace manhattan::program
