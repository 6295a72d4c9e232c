// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "bin/program.h"
#include "log/keeper.h"

namespace manhattan::program {

/// What manhattan-server was told, checked as far as that goes without touching anything.
struct ServerOptions {
  std::string ring;  ///< `none`: the log is written by others
  std::uint64_t ring_bytes = 0;
  std::string prefix;
  Backend::Options backend;
  log::Keeper::Rules keeping;
  std::vector<std::string> endpoints;
  std::string message_file;
  bool is_anonymized = false;
  bool is_once = false;
  bool is_dry_run = false;
  bool is_verbose = false;
};

/// The options of manhattan-server: parser, `--help` and config file.
Program server_program();

/// ConfigError names the option that is wrong.
ServerOptions server_options(const options::variables_map& values);

}  // namespace manhattan::program
