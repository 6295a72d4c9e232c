// SPDX-License-Identifier: MIT
// The methods of the wire, manhattan-query(5): a list, and nothing else answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backend/answers.h"
#include "query/message.h"

namespace manhattan::program {

/// What only the running server knows; `status` shows it with what the store keeps.
struct Live {
  std::map<std::string, std::int64_t> tallies = {};  ///< win where the store has the name, too
  std::map<std::string, std::string> rollups = {};   ///< name to what it divides by
  std::map<std::string, std::string> versions = {};  ///< of formats and libraries
};
using LiveNow = std::function<Live()>;

/// The value that answers `request`: what a query::Server's handler is to return. query::Refusal
/// for an unknown method or wrong arguments, StoreError where the store is out of reach.
nlohmann::json answer(backend::Answers& answers, const query::Request& request,
                      const LiveNow& live_now = {});

/// Whether its answer may take longer than others should wait for theirs.
bool is_lengthy(const query::Request& request);
/// Of those, whether its answer has but a few lines.
bool is_short(const query::Request& request);

/// Every method, by name.
std::vector<std::string> method_names();

}  // namespace manhattan::program
