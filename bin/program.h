// SPDX-License-Identifier: MIT
// What every program does alike: options, config file, --help, --version, exit codes.
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace manhattan::program {

namespace options = boost::program_options;

enum ExitCode { kDone = 0, kFailed = 1, kWrongUse = 2, kDamaged = 3, kTimedOut = 4 };

inline constexpr const char* kConfigFile = "/etc/manhattan/manhattan.conf";

/// One program's face: it feeds the parser, `--help` and the config file.
struct Program {
  std::string name;      ///< `manhattan-query`; also its section of the config file
  std::string synopsis;  ///< `[options] COMMAND`, for `--help`
  std::string purpose;   ///< one line
  options::options_description described{"Options"};  ///< also keys of the config file
  options::positional_options_description positional;
  /// Options that `positional` needs or that only make sense on a command line; not shown.
  options::options_description hidden;
  /// Variable of the environment -> option: after the command line, before the config file.
  std::map<std::string, std::string> environment;
};

/// A command line alone, which may be a line that was typed into the program. ConfigError for
/// unknown options, and what else does not fit.
options::variables_map read_words(options::command_line_parser words, const Program& program);

/// Parses the command line, then the program's section of the config file (the command line
/// wins), and calls `body`. Adds --config, --check-config, --help and --version. Turns errors into
/// one line on stderr and an exit code.
int run(int argc, char** argv, Program program,
        const std::function<int(const options::variables_map&)>& body);

/// What `run` would hand to `body`, the config file read anew. ConfigError for whatever is wrong.
options::variables_map reread(int argc, char** argv, Program program);

}  // namespace manhattan::program
