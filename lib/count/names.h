// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text_map.h"
#include "count/delta.h"

namespace manhattan::count {

/// Gives every name its number: goals, splits, populations, rollups and buckets alike.
///
/// Numbers are handed out in order and become durable with the flush that takes new_names().
/// Memory is bounded: names beyond `capacity` are forgotten and looked up again.
/// Threads: one. Errors: what `find` throws.
class Names {
 public:
  /// What the store knows of a name; called when memory does not know it.
  using Find = std::function<std::optional<NameId>(std::string_view)>;

  /// `find_known` where `find` itself gives a name a number that has none.
  explicit Names(NameId largest = 0, Find find = {}, Find find_known = {},
                 std::size_t capacity = 1'000'000);

  /// The number of `name`, a new one where it has none yet. The empty name has one too.
  NameId id_of(std::string_view name);
  /// The number of `name` where it has one.
  std::optional<NameId> known(std::string_view name);

  const std::vector<std::pair<NameId, std::string>>& new_names() const noexcept { return new_; }
  /// The new names are durable now.
  void clear_new();

 private:
  base::TextMap<NameId> ids_;
  std::vector<std::pair<NameId, std::string>> new_;
  NameId largest_;
  Find find_, find_known_;
  std::size_t capacity_;
  bool is_whole_;  // every name there is has been given here and is in memory
};

}  // namespace manhattan::count
