// SPDX-License-Identifier: MIT
#include "backend/history_cache.h"

#include <algorithm>

namespace manhattan::backend {

HistoryCache::Entry* HistoryCache::find(const Key& key) const {
  const auto known = entries_.find(key);
  return known == entries_.end() ? nullptr : known->second.get();
}

HistoryCache::Entry& HistoryCache::insert(const count::VisitorRow& row) {
  std::pmr::polymorphic_allocator<> allocator(&pool_);
  std::unique_ptr<Entry, Release> entry(allocator.new_object<Entry>(&pool_));
  entry->visitor = VisitorKey(row.visitor);
  if (entry->visitor.is_view()) {
    entry->id = std::make_unique<const std::string>(row.visitor);
    entry->visitor = VisitorKey(*entry->id);
  }
  entry->history.unpack(row.history);
  entry->changed_s = row.last_s;
  entry->met_last = span_;
  const auto visitor = entry->visitor;
  return *entries_.emplace(visitor, std::move(entry)).first->second;
}

void HistoryCache::set_changed(Entry& entry, std::int64_t at_s) {
  if (!entry.is_changed) changed_.push_back(&entry);
  entry.is_changed = true;
  entry.changed_s = at_s;
}

HistoryCache::Changed HistoryCache::take_changed() {
  Changed changed;
  changed.reserve(changed_.size());
  for (auto* entry : changed_) changed.emplace_back(entry->visitor, entry);
  changed_.clear();
  std::ranges::sort(changed);
  return changed;
}

void HistoryCache::trim() {
  ++span_;
  if (entries_.size() <= capacity_ && pool_.used_bytes() <= most_bytes_) return;
  is_whole_ = false;
  // Some more than needed, so that not every flush has to look at all of them.
  const auto kept = capacity_ - capacity_ / 8;
  const auto kept_bytes = most_bytes_ - most_bytes_ / 8;
  struct Age {
    std::uint32_t spans;
    std::size_t bytes;
  };
  std::vector<Age> ages;
  ages.reserve(entries_.size());
  for (const auto& [visitor, entry] : entries_)
    ages.push_back({span_ - entry->met_last, sizeof(Entry) + entry->history.bytes()});
  std::ranges::sort(ages, {}, &Age::spans);
  std::size_t count = 0, bytes = 0;
  for (; count < std::min(kept, ages.size() - 1); ++count) {
    bytes += ages[count].bytes;
    if (bytes > kept_bytes) break;
  }
  const auto too_old = ages[count].spans;
  absl::erase_if(entries_, [&](const auto& each) {
    const auto& entry = *each.second;
    const bool is_over = entries_.size() > kept || pool_.used_bytes() > kept_bytes;
    return span_ - entry.met_last >= too_old && !entry.is_changed && is_over;
  });
}

PackedRows::PackedRows(std::vector<HistoryCache::Changed> changed, base::Lane* lane) : lane_(lane) {
  for (auto& more : changed) {
    const auto middle = static_cast<std::ptrdiff_t>(entries_.size());
    if (entries_.empty()) {
      entries_ = std::move(more);
    } else {
      entries_.insert(entries_.end(), more.begin(), more.end());
      std::ranges::inplace_merge(entries_, entries_.begin() + middle);
    }
  }
}

PackedRows::~PackedRows() {
  if (lane_ != nullptr) lane_->settle();
}

std::span<const count::VisitorRow> PackedRows::next() {
  if (lane_ != nullptr) lane_->wait();
  const bool is_first = rows_.empty();
  if (lane_ == nullptr || is_first) pack_more();
  std::swap(rows_, more_);
  if (lane_ != nullptr && !rows_.empty()) lane_->post([this] { pack_more(); });
  return rows_;
}

void PackedRows::pack_more() {
  more_.resize(std::min(kRowsAtOnce, entries_.size() - done_));
  for (auto& row : more_) {
    if (done_ + 2 * kAhead < entries_.size())
      __builtin_prefetch(entries_[done_ + 2 * kAhead].second);
    if (done_ + kAhead < entries_.size()) entries_[done_ + kAhead].second->history.prefetch();
    auto& entry = *entries_[done_++].second;
    row.visitor.clear();
    entry.visitor.append_to(row.visitor);
    row.is_human = entry.history.is_human;
    row.last_s = entry.changed_s;
    entry.history.pack(row.history);
    entry.history.has_changed = entry.is_changed = false;
  }
}

}  // namespace manhattan::backend
