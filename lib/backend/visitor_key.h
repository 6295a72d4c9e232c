// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace manhattan::backend {

/// A visitor's id as a key. Forty lower-case hexadecimal digits, as nearly all ids are, lie in the
/// key itself: to find one in a table costs no further cache line. Keys are ordered as their texts.
///
/// Owns: nothing; any other id is a view of the text it was made of.
class VisitorKey {
 public:
  explicit VisitorKey(std::string_view id = {}) noexcept;

  /// It is a view of text that lies somewhere else.
  bool is_view() const noexcept { return size_ != kPacked; }
  void append_to(std::string& text) const;
  std::size_t hash() const noexcept;

  friend bool operator==(const VisitorKey& a, const VisitorKey& b) noexcept {
    if (a.is_view() || b.is_view()) return a.is_view() && b.is_view() && a.view() == b.view();
    return a.words_ == b.words_;
  }
  friend bool operator<(const VisitorKey& a, const VisitorKey& b);

 private:
  static constexpr std::uint32_t kPacked = UINT32_MAX;
  static constexpr std::size_t kDigitsInWord = 8;

  bool pack(std::string_view id) noexcept;
  std::string_view view() const noexcept;

  std::array<std::uint32_t, 5> words_{};  // the digits, the first ones largest; or the address
  std::uint32_t size_ = kPacked;          // of the text; kPacked: it is in the words
};

}  // namespace manhattan::backend
