// SPDX-License-Identifier: MIT
#include "count/tallies.h"

namespace manhattan::count {

void Tallies::add(std::string_view name, std::int64_t count) {
  const auto known = counts_.find(name);
  if (known != counts_.end()) {
    known->second += count;
  } else {
    counts_.emplace(name, count);
  }
}

std::vector<TallyDelta> Tallies::take() {
  std::vector<TallyDelta> deltas;
  for (auto& [name, count] : counts_) {
    if (count != 0) deltas.push_back({name, count});
    count = 0;
  }
  return deltas;
}

}  // namespace manhattan::count
