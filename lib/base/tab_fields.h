// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/byte_block.h"

namespace manhattan::base {

/// A line cut at its tabs, the first so many; what is behind them is one field.
///
/// Owns:    nothing; it views the line.
class TabFields {
 public:
  static constexpr std::size_t kMost = 17;

  /// Sixteen bytes at a time, for this reads every byte that is counted.
  explicit TabFields(std::string_view line) noexcept : line_(line) {
    std::size_t i = 0;
    for (; i + ByteBlock::kBytes <= line.size(); i += ByteBlock::kBytes) {
      look(ByteBlock::of(line.data() + i), i);
    }
    look(ByteBlock::of(line.data() + i, line.size() - i), i);
    ends_[size_++] = static_cast<std::uint32_t>(line.size());
  }

  std::size_t size() const noexcept { return size_; }
  /// Empty where the line has no such field.
  std::string_view operator[](std::size_t field) const noexcept {
    if (field >= size_) return {};
    const std::size_t start = field == 0 ? 0 : ends_[field - 1] + 1;
    return line_.substr(start, ends_[field] - start);
  }
  /// Neither a backslash nor a byte above 0x7f in all of it: every field says what it is.
  bool is_plain() const noexcept { return special_ == 0; }

 private:
  void look(ByteBlock block, std::size_t offset) noexcept {
    special_ |= block.where_high() | block.where('\\');
    for (auto tabs = block.where('\t'); tabs != 0 && size_ < kMost - 1; tabs &= tabs - 1) {
      const auto byte = static_cast<std::size_t>(std::countr_zero(tabs));
      ends_[size_++] = static_cast<std::uint32_t>(offset + byte);
    }
  }

  std::string_view line_;
  std::uint32_t special_ = 0;
  std::size_t size_ = 0;
  std::array<std::uint32_t, kMost> ends_;  // those beyond size_ mean nothing
};

}  // namespace manhattan::base
