// SPDX-License-Identifier: MIT
#include "bin/reloading.h"

namespace manhattan::program {

void Reloading::note(const options::variables_map& now, base::MessageLog& messages) {
  const auto taking = changes_between(program_, last_, now).taking_effect;
  const auto waiting = changes_between(program_, started_with_, now).needing_restart;
  last_ = now;
  messages.notice("reloaded: " + (taking.empty()
                                      ? "no option changed that takes effect without a restart"
                                      : enumerated(taking) + " changed and " +
                                            (taking.size() > 1 ? "take" : "takes") + " effect"));
  if (waiting.empty()) return;
  messages.warning(enumerated(waiting) + " changed and " + (waiting.size() > 1 ? "need" : "needs") +
                   " a restart of " + program_.name);
}

}  // namespace manhattan::program
