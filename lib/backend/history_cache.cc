// SPDX-License-Identifier: MIT
#include "backend/history_cache.h"

#include "count/history.h"

namespace manhattan::backend {

HistoryCache::Entry* HistoryCache::find(std::string_view visitor) {
  const auto known = index_.find(visitor);
  if (known == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, known->second);
  return &*known->second;
}

HistoryCache::Entry& HistoryCache::insert(std::string visitor, std::string history) {
  auto& entry = entries_.emplace_front(Entry{std::move(visitor), std::move(history)});
  index_.emplace(entry.visitor, entries_.begin());
  return entry;
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
  while (entries_.size() > capacity_ && !entries_.back().is_changed) {
    index_.erase(entries_.back().visitor);
    entries_.pop_back();
  }
}

}  // namespace manhattan::backend
