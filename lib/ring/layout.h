// SPDX-License-Identifier: MIT
// The bytes of a ring, manhattan-ring(5): a header, a block of control lines a shard, cells.
//
// Shared words. identity: written before the file gets its name, read by all. retired: set by the
// server, read by writers. futex: bumped by writers and Drain::wake, slept on by the reader. moved:
// bumped by the reader once it has taken frames, slept on by observers. dropped, full, lost: added
// to by writers, read by the reader. Of each shard, tail: helped forward by every writer, repaired
// by the reader; head: the reader's, read by writers; wake_at: the reader's, read by writers. Of
// each cell, control: claimed by a writer, then left by its owner or the reader; words: the
// owner's, copied out by the reader and by observers.
//  1. A cell's lap only grows, and no payload ever stands in a control word.
//  2. A record exists from the one compare-and-swap that puts {lap, reserved, cells, owner} into
//  its
//     first cell; tail never passes a position that no record was reserved at.
//  3. `reserved` is left once, by compare-and-swap: to committed by its owner, to abandoned by the
//     reader. So a record is delivered or counted as abandoned, never both.
//  4. tail <= head + cells of the shard: what the reader has not given back is not written over.
//  5. head, wake_at and tail are hints that the reader rebuilds from its position and the cells.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace manhattan::ring {

inline constexpr char kMagic[8] = {'M', 'H', 'T', 'N', 'R', 'I', 'N', 'G'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kByteOrder = 0x01020304;
inline constexpr std::uint32_t kMaxShards = 64;
inline constexpr std::size_t kShardsOffset = 4096;
inline constexpr std::size_t kHeaderBytes = kShardsOffset + kMaxShards * 256;
inline constexpr std::size_t kMaxPayloadBytes = 65536;
inline constexpr std::uint64_t kNeverWake = std::uint64_t{1} << 62;

struct alignas(64) Identity {
  char magic[8];
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t header_bytes;
  std::uint32_t cell_bytes;
  std::uint32_t shard_count;
  std::uint32_t cells_log2;  ///< of each shard
  std::uint64_t epoch;       ///< random: tells this ring from the one before it
  std::uint64_t pid_namespace;
  std::uint64_t file_bytes;
};

/// A word on a cache line of its own, so that its writers disturb nobody else.
template <typename Word>
struct alignas(64) Line {
  std::atomic<Word> word;
};

struct Header {
  Identity identity;
  Line<std::uint32_t> retired;
  Line<std::uint32_t> futex;
  Line<std::uint64_t> dropped;
  Line<std::uint64_t> full;
  Line<std::uint64_t> lost;
  Line<std::uint32_t> moved;
};

struct alignas(256) Shard {
  Line<std::uint64_t> tail;
  Line<std::uint64_t> head;
  Line<std::uint64_t> wake_at;
};

inline constexpr std::size_t kCellWords = 7;
struct alignas(64) Cell {
  std::atomic<std::uint64_t> control;
  std::atomic<std::uint64_t> words[kCellWords];
};

static_assert(std::is_standard_layout_v<Header> && sizeof(Header) <= kShardsOffset);
static_assert(std::is_standard_layout_v<Shard> && sizeof(Shard) == 256);
static_assert(std::is_standard_layout_v<Cell> && sizeof(Cell) == 64);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

enum class State : std::uint64_t { none, reserved, committed, abandoned };

/// A cell's control word: lap 29 bits | state 2 | cells 11 | owner's thread id 22.
struct Control {
  std::uint64_t word;

  static constexpr Control of(std::uint32_t lap, State state, std::uint32_t cells,
                              std::uint32_t owner) noexcept {
    return {std::uint64_t{lap} << 35 | static_cast<std::uint64_t>(state) << 33 |
            std::uint64_t{cells} << 22 | owner};
  }
  constexpr std::uint32_t lap() const noexcept { return static_cast<std::uint32_t>(word >> 35); }
  constexpr State state() const noexcept { return static_cast<State>(word >> 33 & 3); }
  constexpr std::uint32_t cells() const noexcept { return word >> 22 & 0x7ff; }
  constexpr std::uint32_t owner() const noexcept { return word & 0x3fffff; }
  constexpr Control with(State state) const noexcept {
    return {(word & ~(std::uint64_t{3} << 33)) | static_cast<std::uint64_t>(state) << 33};
  }
};

inline constexpr std::uint32_t kLapMask = (1u << 29) - 1;

/// Laps between `a` and `b`, negative where `a` is the earlier one; right across the wrap of 29
/// bits as long as they are less than half of it apart.
constexpr std::int32_t laps_between(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>((a - b) << 3) >> 3;
}

/// Words of a frame before its payload: checksum, time, length | kind << 32.
inline constexpr std::size_t kFrameWords = 3;

constexpr std::uint32_t cells_for(std::size_t payload_bytes) noexcept {
  const auto words = kFrameWords + (payload_bytes + 7) / 8;
  return static_cast<std::uint32_t>((words + kCellWords - 1) / kCellWords);
}
static_assert(cells_for(kMaxPayloadBytes) < 2048);

}  // namespace manhattan::ring
