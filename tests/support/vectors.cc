// SPDX-License-Identifier: MIT
#include "tests/support/vectors.h"

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "base/files.h"

namespace manhattan::tests {

std::string data_path(const std::string& name) {
  const std::string here = __FILE__;
  const auto tests = base::folder_of(base::folder_of(here));
  return tests + "/data/" + name;
}

nlohmann::json read_json(const std::string& name) {
  return nlohmann::json::parse(base::read_file(data_path(name)));
}

std::uint64_t seed() {
  const char* chosen = std::getenv("SEED");
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  const std::uint64_t value = chosen ? std::strtoull(chosen, nullptr, 10) : std::uint64_t(now);
  std::cerr << "SEED=" << value << '\n';
  return value;
}

}  // namespace manhattan::tests
