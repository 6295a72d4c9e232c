// SPDX-License-Identifier: MIT
// The options that say what is counted and where: of manhattan-server and manhattan-replay alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "bin/program.h"

namespace manhattan::program {

/// --url, --password-file, --complex, --rollup, --timezone, the bounds of a visitor,
/// --flush-every, --cache-size and --threads.
void add_counting_options(std::vector<Option>& described);

/// For --check-config: whether rollups and complex goals, and the files they need, go together.
void check_counting(const options::variables_map& values);

/// All of Backend::Options but its log. ConfigError names the option that is wrong.
Backend::Options counting_options(const options::variables_map& values);

/// Of --url and --password-file.
store::Location store_location(const options::variables_map& values);

/// The same however the program was started, for the store remembers segments by it. ConfigError
/// with `option`'s name where there is no such folder.
std::string absolute_prefix(const std::string& option, const std::string& prefix);
/// The same, but a folder that is not there yet is no fault: a file may be checked before the
/// machine has what it names.
void check_prefix(const std::string& option, const std::string& prefix);

/// Values of an option that may be given several times.
std::vector<std::string> texts_of(const options::variables_map& values, const char* name);
/// ConfigError where it is not given.
std::string required(const options::variables_map& values, const char* name);

}  // namespace manhattan::program
