// SPDX-License-Identifier: MIT
#include "backend/history_cache.h"

#include <algorithm>

namespace manhattan::backend {

HistoryCache::Entry* HistoryCache::find(const Key& key) const {
  const auto known = entries_.find(key);
  return known == entries_.end() ? nullptr : known->second.get();
}

HistoryCache::Entry& HistoryCache::insert(const count::VisitorRow& row) {
  auto entry = std::make_unique<Entry>(row.visitor);
  entry->history.unpack(row.history);
  entry->changed_s = row.last_s;
  entry->met_last = span_;
  auto& inserted = *entry;
  entries_.emplace(inserted.visitor.view(), std::move(entry));
  return inserted;
}

void HistoryCache::set_changed(Entry& entry, std::int64_t at_s) {
  if (!entry.is_changed) changed_.push_back(&entry);
  entry.is_changed = true;
  entry.changed_s = at_s;
}

std::vector<count::VisitorRow> HistoryCache::take_changed() {
  std::vector<count::VisitorRow> rows(changed_.size());
  std::string packed;  // grows once, and not for each row
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& entry = *changed_[i];
    rows[i].visitor = entry.visitor.view();
    rows[i].is_human = entry.history.is_human;
    rows[i].last_s = entry.changed_s;
    entry.history.pack(packed);
    rows[i].history = packed;
    entry.history.has_changed = entry.is_changed = false;
  }
  changed_.clear();
  return rows;
}

void HistoryCache::trim() {
  ++span_;
  if (entries_.size() <= capacity_) return;
  is_whole_ = false;
  // Some more than needed, so that not every flush has to look at all of them.
  const auto kept = capacity_ - capacity_ / 8;
  std::vector<std::uint32_t> ages;
  ages.reserve(entries_.size());
  for (const auto& [visitor, entry] : entries_) ages.push_back(span_ - entry->met_last);
  std::nth_element(ages.begin(), ages.begin() + static_cast<std::ptrdiff_t>(kept), ages.end());
  const auto too_old = ages[kept];
  absl::erase_if(entries_, [&](const auto& each) {
    const auto& entry = *each.second;
    return span_ - entry.met_last >= too_old && !entry.is_changed && entries_.size() > kept;
  });
}

}  // namespace manhattan::backend
