// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/visitor_key.h"
#include "base/huge_allocator.h"
#include "base/huge_pages.h"
#include "base/lane.h"
#include "count/delta.h"
#include "count/history.h"

namespace manhattan::backend {

/// Histories of the visitors met last; those not met for longest go first.
///
/// Threads: one.
/// Memory:  bounded by `capacity` after each trim(), and by what so many usual histories take, for
///          one may be a thousand times as long; what is not saved yet is never let go.
/// Cost:    a meeting writes one number; who goes is worked out in trim(), some of all at a time.
class HistoryCache {
 public:
  struct Entry {
    explicit Entry(std::pmr::memory_resource* memory) noexcept : history(memory) {}

    VisitorKey visitor;
    count::History history;
    /// Hour of the segment in which the history changed last, in seconds since 1970.
    std::int64_t changed_s = 0;
    std::uint32_t met_last = 0;  ///< in which span between two trims
    bool is_changed = false;
    std::unique_ptr<const std::string> id = {};  ///< where the key is a view of it
  };

  static_assert(sizeof(Entry) <= 128, "two cache lines");

  /// A visitor and its hash, worked out once.
  struct Key {
    explicit Key(std::string_view id = {}) : visitor(id), hash(visitor.hash()) {}
    VisitorKey visitor;
    std::size_t hash;
  };

  explicit HistoryCache(std::size_t capacity)
      : capacity_(capacity), most_bytes_(std::max(kLeastBytes, capacity * kUsualBytes)) {}

  /// Fetches what find() is about to read into the processor's cache.
  void prefetch(const Key& key) const { entries_.prefetch(key); }
  /// Null where the visitor is not here. Does not touch the entry, which may be far away.
  Entry* find(const Key& key) const;
  /// The visitor was met.
  void touch(Entry& entry) const noexcept { entry.met_last = span_; }
  /// A visitor that is not here: as stored, or new.
  Entry& insert(const count::VisitorRow& row);

  void set_changed(Entry& entry, std::int64_t at_s);
  using Changed = std::vector<std::pair<VisitorKey, Entry*>>;
  /// What changed, in order of the visitors; each counts as saved once it is packed.
  Changed take_changed();
  void trim();
  /// No visitor has been let go yet.
  bool is_whole() const noexcept { return is_whole_; }
  std::size_t size() const noexcept { return entries_.size(); }
  /// It takes twice the memory that it may have after trim().
  bool is_overfull() const noexcept {
    return entries_.size() >= 2 * capacity_ || pool_.used_bytes() >= 2 * most_bytes_;
  }

 private:
  static constexpr std::size_t kUsualBytes = 4096, kLeastBytes = 64 << 20;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
    std::size_t operator()(const VisitorKey& visitor) const noexcept { return visitor.hash(); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const VisitorKey& a, const Key& b) const noexcept { return a == b.visitor; }
    bool operator()(const VisitorKey& a, const VisitorKey& b) const noexcept { return a == b; }
  };

  /// To the pool that its history is of, so that a slot of the table holds one pointer and no more.
  struct Release {
    void operator()(Entry* entry) const noexcept {
      std::pmr::polymorphic_allocator<>(entry->history.memory()).delete_object(entry);
    }
  };

  const std::size_t capacity_, most_bytes_;
  base::HugePages pool_;  // of entries and their histories
  using Owned = std::unique_ptr<Entry, Release>;
  absl::flat_hash_map<VisitorKey, Owned, Hash, Equal,
                      base::HugeAllocator<std::pair<const VisitorKey, Owned>>>
      entries_;
  std::uint32_t span_ = 0;
  bool is_whole_ = true;
  std::vector<Entry*> changed_;
};

/// Packs entries into rows, some at a time: all at once would take as much memory as the histories.
///
/// Threads: one; where there is a lane, the next rows are packed there meanwhile.
class PackedRows {
 public:
  /// Of several caches, none of which has a visitor of another. Null: no lane.
  PackedRows(std::vector<HistoryCache::Changed> changed, base::Lane* lane);
  ~PackedRows();
  PackedRows(const PackedRows&) = delete;
  PackedRows& operator=(const PackedRows&) = delete;

  std::size_t size() const noexcept { return entries_.size(); }
  /// The next rows, valid until the next call; none after the last.
  std::span<const count::VisitorRow> next();

 private:
  static constexpr std::size_t kRowsAtOnce = 256, kAhead = 8;

  void pack_more();

  HistoryCache::Changed entries_;
  std::size_t done_ = 0;
  std::vector<count::VisitorRow> rows_, more_;
  base::Lane* const lane_;
};

}  // namespace manhattan::backend
