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

/// What only the running server knows (seconds behind, ring fill); `status` shows it with what the
/// store keeps, and it wins where both have a name.
using LiveTallies = std::function<std::map<std::string, std::int64_t>()>;

/// The value that answers `request`: what a query::Server's handler is to return. query::Refusal
/// for an unknown method or wrong arguments, StoreError where the store is out of reach.
nlohmann::json answer(backend::Answers& answers, const query::Request& request,
                      const LiveTallies& live_tallies = {});

/// Every method, by name.
std::vector<std::string> method_names();

}  // namespace manhattan::program
