// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace manhattan::base {

/// Text that does not change, in place up to 48 bytes: to read it costs no further cache line.
///
/// Owns: its bytes; neither copied nor moved, so that views of it stay valid.
class InlineText {
 public:
  explicit InlineText(std::string_view text) : size_(text.size()) {
    if (size_ > sizeof place_) far_ = std::make_unique<char[]>(size_);
    std::memcpy(far_ ? far_.get() : place_, text.data(), size_);
  }
  InlineText(const InlineText&) = delete;
  InlineText& operator=(const InlineText&) = delete;

  std::string_view view() const noexcept { return {far_ ? far_.get() : place_, size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> far_;
  char place_[48];
};

}  // namespace manhattan::base
