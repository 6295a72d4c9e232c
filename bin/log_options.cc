// SPDX-License-Identifier: MIT
#include "bin/log_options.h"

#include "bin/replay_filter.h"

namespace manhattan::program {

Program log_program() {
  Program log;
  log.name = "manhattan-log";
  log.synopsis = "[options]";
  log.purpose = "Watches records on their way through the ring.";
  log.environment = {{"MANHATTAN_RING", "ring"}};
  log.described = {text("ring,r", "PATH", "the ring").by_default("/run/manhattan/ring")};
  add_record_filter(log.described);
  log.described.push_back(text("format", "FORMAT", "text, the lines of the text log, or json")
                              .by_default("text")
                              .one_of({"text", "json"}));
  return log;
}

}  // namespace manhattan::program
