// SPDX-License-Identifier: MIT
// One record in the ring's cells: its checksum, and copies in and out.
#pragma once

#include <cstring>

#include "ring/view.h"

namespace manhattan::ring {

/// What stands before the payload.
struct FrameHead {
  std::uint64_t checksum;
  std::int64_t at_ns;  ///< Unix nanoseconds
  std::uint32_t length_bytes;
  std::uint8_t kind;
};

inline std::uint64_t load_word(const char* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// The last, partial word of `size` bytes (size % 8 of them), padded with zeros.
inline std::uint64_t load_rest(const char* bytes, std::size_t size) noexcept {
  const std::size_t rest = size % 8;
  if (size >= 8) {  // one load that ends where the bytes end is cheaper than a memcpy of `rest`
    return rest == 0 ? 0 : load_word(bytes + size - 8) >> (8 * (8 - rest));
  }
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, rest);
  return word;
}

/// One step of the checksum. The rotation keeps two flips of a top bit from cancelling.
inline std::uint64_t stir(std::uint64_t lane, std::uint64_t word) noexcept {
  lane = (lane ^ word) * 0x9e3779b97f4a7c15;
  return lane << 29 | lane >> 35;
}

/// Checksum of the bytes alone. Four lanes, so that the multiplications overlap.
inline std::uint64_t digest(const char* bytes, std::size_t size) noexcept {
  std::uint64_t a = 0x243f6a8885a308d3, b = 0x13198a2e03707344;
  std::uint64_t c = 0xa4093822299f31d0, d = 0x082efa98ec4e6c89;
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    a = stir(a, load_word(bytes + i));
    b = stir(b, load_word(bytes + i + 8));
    c = stir(c, load_word(bytes + i + 16));
    d = stir(d, load_word(bytes + i + 24));
  }
  for (; i + 8 <= size; i += 8) a = stir(a, load_word(bytes + i));
  b = stir(b, load_rest(bytes, size));
  return stir(stir(stir(stir(a, b), c), d), size);
}

/// The checksum that a frame carries: no other position, time or kind has the same. Binding it to
/// the position tells a record of this lap from one that an earlier lap left.
inline std::uint64_t bind(std::uint64_t digest, std::uint64_t position, std::int64_t at_ns,
                          std::uint8_t kind) noexcept {
  auto sum = stir(stir(digest, position), static_cast<std::uint64_t>(at_ns));
  sum = stir(sum, kind);
  return sum ^ sum >> 32;
}

/// Copies a frame into the cells that were reserved for it. Relaxed words: the commit publishes
/// them, and an observer that reads meanwhile finds a checksum that does not hold.
inline void copy_in(const View& ring, std::uint32_t shard, std::uint64_t position,
                    const FrameHead& head, const char* payload) noexcept {
  Cell* cell = &ring.cell(shard, position);
  cell->words[0].store(head.checksum, std::memory_order_relaxed);
  cell->words[1].store(static_cast<std::uint64_t>(head.at_ns), std::memory_order_relaxed);
  cell->words[2].store(head.length_bytes | std::uint64_t{head.kind} << 32,
                       std::memory_order_relaxed);
  std::size_t slot = kFrameWords, i = 0;
  while (i + 8 * (kCellWords - slot) <= head.length_bytes) {
    for (; slot < kCellWords; ++slot, i += 8) {
      cell->words[slot].store(load_word(payload + i), std::memory_order_relaxed);
    }
    if (i == head.length_bytes) return;
    cell = &ring.cell(shard, ++position);
    slot = 0;
  }
  for (; i + 8 <= head.length_bytes; i += 8) {
    cell->words[slot++].store(load_word(payload + i), std::memory_order_relaxed);
  }
  if (i < head.length_bytes) {
    cell->words[slot].store(load_rest(payload, head.length_bytes), std::memory_order_relaxed);
  }
}

inline FrameHead head_of(const Cell& cell) noexcept {
  // relaxed: ordered by the acquire of the control word, or judged by the checksum.
  const auto last = cell.words[2].load(std::memory_order_relaxed);
  return {cell.words[0].load(std::memory_order_relaxed),
          static_cast<std::int64_t>(cell.words[1].load(std::memory_order_relaxed)),
          static_cast<std::uint32_t>(last), static_cast<std::uint8_t>(last >> 32)};
}

/// Copies the payload out, in whole words: `into` has room for 7 bytes more than its length.
inline void copy_out(const View& ring, std::uint32_t shard, std::uint64_t position,
                     std::size_t length_bytes, char* into) noexcept {
  const Cell* cell = &ring.cell(shard, position);
  std::size_t slot = kFrameWords;
  for (std::size_t i = 0; i < length_bytes; i += 8) {
    if (slot == kCellWords) {
      cell = &ring.cell(shard, ++position);
      slot = 0;
    }
    const auto word = cell->words[slot++].load(std::memory_order_relaxed);
    std::memcpy(into + i, &word, sizeof word);
  }
}

}  // namespace manhattan::ring
