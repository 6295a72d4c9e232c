// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::record {

/// One line of the text log while it is made: in place while it is short, as most lines are, so
/// that a web request pays for no allocation.
///
/// Threads: one.
/// Errors:  bad_alloc, for lines longer than kPlaceBytes alone.
class Line {
 public:
  Line() noexcept : at_(place_), end_(place_ + kPlaceBytes) {}
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// What has been added so far; valid until more is.
  std::string_view text() const noexcept {
    return {begin(), static_cast<std::size_t>(at_ - begin())};
  }

  void add(char byte) {
    *room_for(1) = byte;
    ++at_;
  }
  /// Bytes as they are.
  void add(std::string_view bytes) {
    std::memcpy(room_for(bytes.size()), bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void add_number(std::int64_t number);
  /// A tab and `text`, escaped.
  void add_field(std::string_view text);

 private:
  static constexpr std::size_t kPlaceBytes = 1024;

  const char* begin() const noexcept { return grown_.empty() ? place_ : grown_.data(); }
  char* room_for(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) grow(bytes);
    return at_;
  }
  void grow(std::size_t bytes);

  char* at_;
  char* end_;
  std::vector<char> grown_;
  char place_[kPlaceBytes];
};

}  // namespace manhattan::record
