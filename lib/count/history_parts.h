// SPDX-License-Identifier: MIT
// What a visitor's history is made of, as plain data.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "count/delta.h"

namespace manhattan::count {

/// A split's population that the visitor was shown.
struct Variant {
  NameId split = 0;
  NameId population = 0;

  friend auto operator<=>(const Variant&, const Variant&) = default;
};

/// What one byte of marks stands for: a goal on a site, or (goal 0) the impressions there. Bit 0
/// is the goal itself, bits 1 to 7 the visitor's variants 7 x block to 7 x block + 6.
struct Row {
  static constexpr std::size_t kVariants = 7;

  NameId goal = 0;
  std::int32_t site = 0;
  std::uint32_t block = 0;

  friend bool operator==(const Row&, const Row&) = default;
  template <class Hash>
  friend Hash AbslHashValue(Hash hash, const Row& row) {
    return Hash::combine(std::move(hash), row.goal, row.site, row.block);
  }
};

/// How far the visitor is with one complex goal.
struct ComplexProgress {
  NameId goal = 0;
  /// Never counted from now on: an exclude came first, or it was counted and taken back.
  bool is_closed = false;
  /// Where it is counted, to be taken back from there; no buckets: it is not.
  std::int32_t site = 0;
  std::uint32_t variants = 0;  ///< the first so many of the visitor's
  std::vector<Bucket> buckets;
};

/// The sum of a goal's values on a site, since the visitor met a variant.
struct Total {
  std::uint32_t row = 0;
  std::uint8_t bit = 0;
  Decimal sum;
};

}  // namespace manhattan::count
