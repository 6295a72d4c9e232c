// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace manhattan::base {

/// Sixteen bytes, looked at together: the bit 1 << i of an answer is of byte i.
class ByteBlock {
 public:
  static constexpr std::size_t kBytes = 16;

  /// The first `size` of sixteen; zeros are behind them.
  static ByteBlock of(const char* bytes, std::size_t size = kBytes) noexcept {
    ByteBlock block;
    std::memcpy(&block.bytes_, bytes, size);
    return block;
  }

#if defined(__SSE2__)
  std::uint32_t where(char byte) const noexcept {
    return static_cast<std::uint32_t>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(byte))));
  }
  /// Where bytes above 0x7f are.
  std::uint32_t where_high() const noexcept {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes_));
  }

 private:
  __m128i bytes_ = _mm_setzero_si128();
#else
  std::uint32_t where(char byte) const noexcept {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kBytes; ++i) bits |= std::uint32_t{bytes_[i] == byte} << i;
    return bits;
  }
  std::uint32_t where_high() const noexcept {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kBytes; ++i) {
      bits |= std::uint32_t{static_cast<unsigned char>(bytes_[i]) > 0x7f} << i;
    }
    return bits;
  }

 private:
  char bytes_[kBytes] = {};
#endif
};

}  // namespace manhattan::base
