// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/unique_fd.h"
#include "http/environment.h"

namespace manhattan::wrap {

/// The program that a request runs.
struct Target {
  std::string program;                 ///< its path
  std::string folder;                  ///< where it runs
  std::vector<std::string> arguments;  ///< without its name
  base::UniqueFd file = {};            ///< the file that was checked, where it must be that one
};

/// Why a request gets no program's answer.
struct Refusal {
  const char* status_text;  ///< `404 Not Found`
  std::string why;          ///< for the log
};

/// SCRIPT_FILENAME of a request, or DOCUMENT_ROOT + SCRIPT_NAME. Where the file's path goes on
/// behind a program, the rest becomes PATH_INFO, and the variables are set as RFC 3875 says.
/// Refused: a missing file, a folder, what may not be executed, a path with `..` in it, and what
/// lies, links resolved, in none of `roots`, where there are any. With roots the path that was
/// checked, without links, becomes `program` and SCRIPT_FILENAME: a link that changes meanwhile
/// leads nowhere else. A binary is run from the very file that was checked; a script is opened once
/// more, by that path, by its interpreter.
std::variant<Target, Refusal> find_target(http::Environment& environment,
                                          const std::vector<std::string>& roots);

/// The folders with links resolved, as find_target() wants them. ConfigError for one that is none.
std::vector<std::string> resolve_roots(const std::vector<std::string>& folders);

/// The program of a command line, its path made absolute; one without a slash is looked up in
/// PATH. It need not exist.
Target fixed_target(const std::vector<std::string>& command);

/// Says in `environment` where `target`, a program of the command line, lies in URLs: SCRIPT_NAME
/// is the location that the web server hands over, of MANHATTAN_LOCATION, and PATH_INFO what
/// follows. Without a location what the web server split stays, and what it left whole is all
/// PATH_INFO. php-cgi runs the file that SCRIPT_FILENAME names, so its variables are those of that
/// file. Refused: a request of which the web server says nothing.
std::optional<Refusal> place_fixed_target(const Target& target, http::Environment& environment);

/// Puts `program` in the place of `target`'s, in its own folder, with the same arguments.
void replace_program(Target& target, const std::string& program, http::Environment& environment);

/// Why `target` can't be run as far as its file tells; nothing where it can.
std::optional<Refusal> check_target(const Target& target);

/// What to answer when `target` could not be started, by errno.
Refusal refusal_of(const Target& target, int why);

}  // namespace manhattan::wrap
