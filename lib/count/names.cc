// SPDX-License-Identifier: MIT
#include "count/names.h"

namespace manhattan::count {

Names::Names(NameId largest, Find find, Find find_known, std::size_t capacity)
    : largest_(largest),
      find_(std::move(find)),
      find_known_(std::move(find_known)),
      capacity_(capacity),
      is_whole_(largest == 0 && !find_known_) {}

NameId Names::id_of(std::string_view name) {
  if (const auto known = ids_.find(name); known != ids_.end()) return known->second;
  const auto stored = find_ && !is_whole_ ? find_(name) : std::nullopt;
  const NameId id = stored ? *stored : ++largest_;
  if (!stored) new_.emplace_back(id, name);
  ids_.emplace(name, id);
  return id;
}

std::optional<NameId> Names::known(std::string_view name) {
  if (const auto known = ids_.find(name); known != ids_.end()) return known->second;
  if (is_whole_) return std::nullopt;
  const auto& find = find_known_ ? find_known_ : find_;
  const auto stored = find ? find(name) : std::nullopt;
  if (stored) ids_.emplace(name, *stored);
  return stored;
}

void Names::clear_new() {
  new_.clear();
  // Only here: a name that is not durable yet can't be found in the store.
  if (ids_.size() <= capacity_) return;
  ids_.clear();
  is_whole_ = false;
}

}  // namespace manhattan::count
