// SPDX-License-Identifier: MIT
#include "backend/history_cache.h"

#include <algorithm>

#include "count/history.h"

namespace manhattan::backend {

HistoryCache::Entry* HistoryCache::find(std::string_view visitor) {
  const auto known = entries_.find(visitor);
  if (known == entries_.end()) return nullptr;
  known->second->met_last = span_;
  return known->second.get();
}

HistoryCache::Entry& HistoryCache::insert(std::string visitor, std::string history) {
  auto entry = std::make_unique<Entry>(Entry{std::move(visitor), std::move(history), span_});
  auto& inserted = *entry;
  entries_.emplace(inserted.visitor, std::move(entry));
  return inserted;
}

void HistoryCache::set_changed(Entry& entry) {
  if (!entry.is_changed) changed_.push_back(&entry);
  entry.is_changed = true;
}

std::vector<count::VisitorRow> HistoryCache::take_changed() {
  std::vector<count::VisitorRow> rows;
  rows.reserve(changed_.size());
  for (auto* entry : changed_) {
    rows.push_back({entry->visitor, count::History::is_human_in(entry->history), entry->history});
    entry->is_changed = false;
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
