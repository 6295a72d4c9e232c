// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "bin/program.h"
#include "bin/replay_filter.h"
#include "record/erase.h"

namespace manhattan::program {

enum class Format { text, tsv, json };

/// What manhattan-replay was told, checked as far as that goes without touching anything.
struct ReplayOptions {
  enum class Task { print, rebuild, play, check, forget };

  Task task = Task::print;
  /// Of text logs; the files themselves where `is_combined`. Absolute.
  std::vector<std::string> prefixes;
  bool is_combined = false;    ///< web server logs in the combined format
  bool is_anonymized = false;  ///< addresses are masked before anything else is done
  Filter filter;
  Format format = Format::text;
  bool is_following = false;
  Backend::Options backend;  ///< of a rebuild
  record::Visitors forgotten;
  std::optional<store::Location> forgetful_store;  ///< which is to forget them, too
  std::string ring;                                ///< to play into
  int speed = 1;  ///< times as fast as it happened; 0: as fast as the ring takes it
};

/// The options of manhattan-replay: parser, `--help` and config file.
Program replay_program();

/// ConfigError names the option that is wrong.
ReplayOptions replay_options(const options::variables_map& values);

}  // namespace manhattan::program
