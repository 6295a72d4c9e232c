// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_map.h"
#include "count/delta.h"

namespace manhattan::backend {

/// Histories of the visitors met last; the least recently met go first.
///
/// Threads: one.
/// Memory:  bounded by `capacity` after each trim(); what is not saved yet is never let go.
class HistoryCache {
 public:
  struct Entry {
    std::string visitor;
    std::string history;  ///< packed
    bool is_changed = false;
  };

  explicit HistoryCache(std::size_t capacity) : capacity_(capacity) {}

  /// Null where the visitor is not here. Makes it the one met last.
  Entry* find(std::string_view visitor);
  bool has(std::string_view visitor) const { return index_.contains(visitor); }
  Entry& insert(std::string visitor, std::string history);

  void set_changed(Entry& entry);
  /// The changed histories as rows; they count as saved from here on.
  std::vector<count::VisitorRow> take_changed();
  void trim();

 private:
  using Entries = std::list<Entry>;
  const std::size_t capacity_;
  Entries entries_;  // met last at the front
  // Views are of the entries' own strings, which a list never moves.
  absl::flat_hash_map<std::string_view, Entries::iterator, base::TextHash> index_;
  std::vector<Entry*> changed_;
};

}  // namespace manhattan::backend
