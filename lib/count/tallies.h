// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "count/delta.h"

namespace manhattan::count {

/// What is tallied for every record; by number, for it is the hottest count of all.
enum class Tally : std::size_t {
  record_page,
  record_pixel,
  record_goal,
  record_split,
  counted_records,
  visitor_seen,
  visitor_human,
  visitor_robot,
  left_out_robot,
  waiting_dropped,
  name_clipped,
  bucket_other,
  left_out_goal,
  left_out_variant,
};

/// What was read, counted and left out; the names are those `manhattan-query status` shows.
class Tallies {
 public:
  void add(Tally tally, std::int64_t count = 1) noexcept {
    hot_[static_cast<std::size_t>(tally)] += count;
  }
  /// Of a reason that is rare, by its name.
  void add(std::string_view name);
  std::vector<TallyDelta> take();

 private:
  std::array<std::int64_t, static_cast<std::size_t>(Tally::left_out_variant) + 1> hot_{};
  std::map<std::string, std::int64_t, std::less<>> rare_;
};

}  // namespace manhattan::count
