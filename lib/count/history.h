// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "count/delta.h"

namespace manhattan::count {

/// One thing that can be counted for a visitor on one site (or all sites): a goal, a variant's
/// impression, or a goal under a variant.
struct Item {
  NameId goal = 0;
  NameId split = 0;
  NameId population = 0;
  std::int32_t site = kAllSites;

  friend auto operator<=>(const Item&, const Item&) = default;
};

/// One bucket of one rollup.
struct Cell {
  NameId rollup = 0;
  NameId bucket = 0;

  friend auto operator<=>(const Cell&, const Cell&) = default;
};

/// Which items a visitor was already counted for, in which cells.
///
/// A visitor's items are few and numbered in order of appearance; a cell keeps one bit for each.
/// A year of daily visits is then a few bytes a day.
class Seen {
 public:
  /// The number of `item`, a new one where it has none yet.
  std::size_t number_of(const Item& item);
  /// True the first time only.
  bool mark(const Cell& cell, std::size_t item_number);

  const std::vector<Item>& items() const noexcept { return items_; }
  struct Marks {
    Cell cell;
    std::vector<std::uint64_t> bits;
  };
  const std::vector<Marks>& marks() const noexcept { return marks_; }

 private:
  std::vector<Item> items_;
  std::vector<Marks> marks_;  // the latest cells are at the end: records come mostly in order
};

/// A split's population that the visitor was shown.
struct Variant {
  NameId split = 0;
  NameId population = 0;

  friend auto operator<=>(const Variant&, const Variant&) = default;
};

/// How far the visitor is with one complex goal.
struct ComplexProgress {
  NameId goal = 0;
  /// Never counted from now on: an exclude came first, or it was counted and taken back.
  bool is_closed = false;
  /// Where it is counted, to be taken back from there.
  std::vector<CounterKey> counted;
};

/// All that is remembered of one visitor.
struct History {
  static constexpr std::size_t kMostWaiting = 500;

  bool is_human = false;
  /// Lines that wait for the first pixel, oldest first.
  std::vector<std::string> waiting;
  /// Goals reached, on any site.
  std::vector<NameId> goals;
  /// In order of the first impression.
  std::vector<Variant> variants;
  std::vector<ComplexProgress> complex_goals;
  Seen seen;
};

/// The blob of manhattan-store(5): a version byte, then varints.
std::string encode_history(const History& history);

/// DamageError where `blob` is not what encode_history() makes.
History decode_history(std::string_view blob);

}  // namespace manhattan::count
