// SPDX-License-Identifier: MIT
// Numbers and texts packed one after the other, as visitors' histories are stored.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/decimal.h"
#include "base/error.h"
#include "count/delta.h"

namespace manhattan::count {

/// What a number of 32 bits takes at most.
inline constexpr std::size_t kMostNumberBytes = 5;

/// Writes as BlobWriter::number does, to where there is room; returns its end.
inline char* put_number(std::uint32_t value, char* to) noexcept {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}

/// Appends to a string. A number takes seven bits a byte, least significant first.
class BlobWriter {
 public:
  explicit BlobWriter(std::string& out) noexcept : out_(out) {}

  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  template <class Number>
  void number(Number value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  /// Small magnitudes of either sign stay short.
  void signed_number(__int128 value) {
    number(static_cast<unsigned __int128>(value) << 1 ^
           static_cast<unsigned __int128>(value >> 127));
  }
  void raw(std::string_view bytes) { out_.append(bytes); }
  void text(std::string_view text) {
    number(text.size());
    raw(text);
  }

 private:
  std::string& out_;
};

/// Reads what BlobWriter wrote; DamageError where it did not.
class BlobReader {
 public:
  explicit BlobReader(std::string_view blob) noexcept : blob_(blob) {}

  bool is_at_end() const noexcept { return blob_.empty(); }
  std::string_view rest() const noexcept { return blob_; }

  std::uint8_t byte() {
    require(!blob_.empty());
    const auto value = static_cast<std::uint8_t>(blob_.front());
    blob_.remove_prefix(1);
    return value;
  }
  unsigned __int128 number() {
    unsigned __int128 value = 0;
    for (int shift = 0; shift < 128; shift += 7) {
      const auto next = byte();
      value |= static_cast<unsigned __int128>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    throw DamageError("a visitor's history is damaged");
  }
  __int128 signed_number() {
    const auto folded = number();
    return static_cast<__int128>(folded >> 1) ^ -static_cast<__int128>(folded & 1);
  }
  /// A number of at most 32 bits.
  std::uint32_t small() {
    if (!blob_.empty() && static_cast<std::uint8_t>(blob_.front()) < 0x80) return byte();
    std::uint32_t value = byte() & 0x7fu;
    for (int shift = 7; shift < 35; shift += 7) {
      const std::uint32_t next = byte();
      require(shift < 28 || next < 0x10);
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    throw DamageError("a visitor's history is damaged");
  }
  /// How many elements follow, each of a byte at least.
  std::uint32_t size() {
    const auto size = small();
    require(size <= blob_.size());
    return size;
  }
  std::int32_t site() {
    const auto site = small();
    require(site <= static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()));
    return static_cast<std::int32_t>(site);
  }
  std::string_view text() {
    const auto text = blob_.substr(0, size());
    blob_.remove_prefix(text.size());
    return text;
  }
  static void require(bool is_sound) {
    if (!is_sound) throw DamageError("a visitor's history is damaged");
  }

 private:
  std::string_view blob_;
};

}  // namespace manhattan::count
