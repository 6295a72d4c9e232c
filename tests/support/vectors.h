// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace manhattan::tests {

/// The tree's tests/data, wherever the test was started from.
std::string data_path(const std::string& name);

/// One JSON file of tests/data.
nlohmann::json read_json(const std::string& name);

/// The seed of a randomised case: SEED from the environment, else the time; printed either way.
std::uint64_t seed();

}  // namespace manhattan::tests
