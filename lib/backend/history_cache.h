// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_map.h"
#include "count/delta.h"

namespace manhattan::backend {

/// Histories of the visitors met last; those not met for longest go first.
///
/// Threads: one.
/// Memory:  bounded by `capacity` after each trim(); what is not saved yet is never let go.
/// Cost:    a meeting writes one number; who goes is worked out in trim(), some of all at a time.
class HistoryCache {
 public:
  struct Entry {
    std::string visitor;
    std::string history;         ///< packed
    std::uint32_t met_last = 0;  ///< in which span between two trims
    bool is_changed = false;
  };

  explicit HistoryCache(std::size_t capacity) : capacity_(capacity) {}

  /// Null where the visitor is not here.
  Entry* find(std::string_view visitor);
  Entry& insert(std::string visitor, std::string history);

  void set_changed(Entry& entry);
  /// The changed histories as rows; they count as saved from here on.
  std::vector<count::VisitorRow> take_changed();
  void trim();
  /// No visitor has been let go yet.
  bool is_whole() const noexcept { return is_whole_; }
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  const std::size_t capacity_;
  // Views are of the entries' own strings.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Entry>, base::TextHash> entries_;
  std::uint32_t span_ = 0;
  bool is_whole_ = true;
  std::vector<Entry*> changed_;
};

}  // namespace manhattan::backend
