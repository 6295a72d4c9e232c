// SPDX-License-Identifier: MIT
// Where things stand in a long history, so that a look-up takes as long in it as in a short one.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "count/history_parts.h"

namespace manhattan::count {

/// Where each closed bucket starts in the archive, and how many there are of each rollup.
struct ArchiveIndex {
  absl::flat_hash_map<Bucket, std::uint32_t> offsets;
  absl::flat_hash_map<NameId, std::uint32_t> of_rollup;
  /// Of buckets that were opened again: their bytes stay in the archive until it is half of such.
  std::uint32_t dead_bytes = 0;

  void add(const Bucket& bucket, std::uint32_t offset) {
    offsets[bucket] = offset;
    ++of_rollup[bucket.rollup];
  }
  void remove(const Bucket& bucket, std::uint32_t bytes) {
    offsets.erase(bucket);
    --of_rollup[bucket.rollup];
    dead_bytes += bytes;
  }
};

/// Which number each row has.
struct RowIndex {
  static constexpr std::uint32_t kNone = UINT32_MAX;

  absl::flat_hash_map<Row, std::uint32_t> numbers;
  /// Rows of one goal and block on several sites are a chain: its latest row by goal and block (its
  /// site is 0), and of each row the one before.
  absl::flat_hash_map<Row, std::uint32_t> latest;
  std::vector<std::uint32_t> before;

  void add(const Row& row) {
    const auto number = static_cast<std::uint32_t>(before.size());
    numbers.emplace(row, number);
    auto& last = latest.try_emplace({row.goal, 0, row.block}, kNone).first->second;
    before.push_back(last);
    last = number;
  }
};

/// Each part is made when the history has become long enough to need it.
struct HistoryIndex {
  std::optional<ArchiveIndex> archive;
  std::optional<RowIndex> rows;
  std::optional<absl::flat_hash_map<std::uint64_t, std::uint32_t>> totals;  ///< by row and bit
};

}  // namespace manhattan::count
