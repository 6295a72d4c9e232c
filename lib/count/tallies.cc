// SPDX-License-Identifier: MIT
#include "count/tallies.h"

namespace manhattan::count {
namespace {

constexpr const char* kNames[] = {
    "record_page",  "record_pixel",  "record_goal",   "record_split",    "counted_records",
    "visitor_seen", "visitor_human", "visitor_robot", "left_out_robot",  "waiting_dropped",
    "name_clipped", "bucket_other",  "left_out_goal", "left_out_variant"};

}  // namespace

void Tallies::add(std::string_view name) {
  const auto known = rare_.find(name);
  if (known != rare_.end()) {
    ++known->second;
  } else {
    rare_.emplace(name, 1);
  }
}

std::vector<TallyDelta> Tallies::take() {
  std::vector<TallyDelta> deltas;
  for (std::size_t i = 0; i < hot_.size(); ++i) {
    if (hot_[i] != 0) deltas.push_back({kNames[i], hot_[i]});
  }
  for (const auto& [name, count] : rare_) deltas.push_back({name, count});
  hot_ = {};
  rare_.clear();
  return deltas;
}

}  // namespace manhattan::count
