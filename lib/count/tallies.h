// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "count/delta.h"

namespace manhattan::count {

/// What was read, counted and left out, by name; the names are those `manhattan-query status`
/// shows.
class Tallies {
 public:
  void add(std::string_view name, std::int64_t count = 1);
  std::vector<TallyDelta> take();

 private:
  std::map<std::string, std::int64_t, std::less<>> counts_;
};

}  // namespace manhattan::count
