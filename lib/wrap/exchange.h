// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "wrap/client.h"
#include "wrap/middleware.h"
#include "wrap/passed_variables.h"
#include "wrap/reaper.h"
#include "wrap/spawner.h"
#include "wrap/target.h"
#include "wrap/upstream.h"

namespace manhattan::wrap {

/// What one worker brings to each request it serves. References outlive the worker.
struct Workplace {
  const Upstream* upstream;            ///< who answers instead of programs that we run; may be null
  const std::optional<Target>& fixed;  ///< the program of the command line; none: the request's own
  const std::vector<std::string>& roots;  ///< where others must lie; empty: anywhere
  const PassedVariables& passed;          ///< which of a request's variables programs see
  bool takes_search_words;                ///< a query without `=` is the program's arguments
  std::chrono::milliseconds silence_limit;
  std::chrono::milliseconds time_limit;
  const std::vector<Limit>& limits;  ///< of programs
  base::MessageLog& messages;
  Reaper& reaper;
  Log* log = nullptr;  ///< null: nothing is recorded, answers pass as they are
  Spawner spawner = {};
  std::vector<char> buffer = std::vector<char>(64 * 1024);
  base::UniqueFd null_device = {};
};

/// Serves one request, from its body to the end of its answer. Returns the connection, where it is
/// to be kept. `middleware` may be null.
Connection serve(Client& client, Workplace& workplace, const Middleware* middleware);

/// Answers what could not be served at all, such as `503 Service Unavailable`.
Connection turn_away(Client& client, const char* status_text);

}  // namespace manhattan::wrap
