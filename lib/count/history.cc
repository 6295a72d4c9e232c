// SPDX-License-Identifier: MIT
#include "count/history.h"

#include <algorithm>

namespace manhattan::count {
namespace {

constexpr std::size_t kWordBits = 64;

}  // namespace

std::size_t Seen::number_of(const Item& item) {
  const auto known = std::find(items_.begin(), items_.end(), item);
  const auto number = static_cast<std::size_t>(known - items_.begin());
  if (known == items_.end()) items_.push_back(item);
  return number;
}

bool Seen::mark(const Cell& cell, std::size_t item_number) {
  auto known = std::find_if(marks_.rbegin(), marks_.rend(),
                            [&](const Marks& marks) { return marks.cell == cell; });
  if (known == marks_.rend()) {
    marks_.push_back({cell, {}});
    known = marks_.rbegin();
  }
  const auto word = item_number / kWordBits;
  const auto bit = std::uint64_t{1} << (item_number % kWordBits);
  if (known->bits.size() <= word) known->bits.resize(word + 1);
  const bool is_first = (known->bits[word] & bit) == 0;
  known->bits[word] |= bit;
  return is_first;
}

}  // namespace manhattan::count
