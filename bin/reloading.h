// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "base/message_log.h"
#include "bin/program.h"

namespace manhattan::program {

/// What a server does with its options when it gets SIGHUP: reads them again, and says which of
/// those that changed took effect and which wait for a restart, as their descriptions have it.
class Reloading {
 public:
  Reloading(int argc, char** argv, Program program, options::variables_map values)
      : argc_(argc),
        argv_(argv),
        program_(std::move(program)),
        started_with_(std::move(values)),
        last_(started_with_) {}

  /// What the program was started with.
  const options::variables_map& started_with() const noexcept { return started_with_; }
  /// The options as they are by now. ConfigError for whatever is wrong.
  options::variables_map reread() const { return program::reread(argc_, argv_, program_); }
  /// To be called once `now` is in force, as far as that goes without a restart.
  void note(const options::variables_map& now, base::MessageLog& messages);

 private:
  const int argc_;
  char** const argv_;
  const Program program_;
  const options::variables_map started_with_;
  options::variables_map last_;
};

}  // namespace manhattan::program
