// SPDX-License-Identifier: MIT
#include "count/names.h"

namespace manhattan::count {

Names::Names(NameId largest, Find find, std::size_t capacity)
    : largest_(largest), find_(std::move(find)), capacity_(capacity) {}

NameId Names::id_of(std::string_view name) {
  if (const auto known = ids_.find(name); known != ids_.end()) return known->second;
  const auto stored = find_ ? find_(name) : std::nullopt;
  const NameId id = stored ? *stored : ++largest_;
  if (!stored) new_.emplace_back(id, name);
  ids_.emplace(name, id);
  return id;
}

void Names::clear_new() {
  new_.clear();
  // Only here: a name that is not durable yet can't be found in the store.
  if (ids_.size() > capacity_) ids_.clear();
}

}  // namespace manhattan::count
