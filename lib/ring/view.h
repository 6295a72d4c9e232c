// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ring/layout.h"

namespace manhattan::ring {

/// A ring in `memory` that somebody else owns and that has been checked once: its sizes are copies,
/// so that no later damage to the header leads outside of it.
struct View {
  Header* header = nullptr;
  Shard* shards = nullptr;
  Cell* cells = nullptr;
  std::uint32_t shard_count = 0;
  std::uint32_t cells_log2 = 0;
  std::uint64_t epoch = 0;
  std::uint64_t pid_namespace = 0;

  std::uint64_t shard_cells() const noexcept { return std::uint64_t{1} << cells_log2; }
  /// The most cells one record may take: a quarter of the shard.
  std::uint32_t most_cells() const noexcept {
    const auto quarter = shard_cells() / 4;
    const auto longest = cells_for(kMaxPayloadBytes);
    return quarter < longest ? static_cast<std::uint32_t>(quarter) : longest;
  }
  Cell& cell(std::uint32_t shard, std::uint64_t position) const noexcept {
    return cells[(std::uint64_t{shard} << cells_log2) + (position & (shard_cells() - 1))];
  }
  /// Which round of the shard `position` lies in, from 1; a cell of zeros is of round 0.
  std::uint32_t lap(std::uint64_t position) const noexcept {
    return static_cast<std::uint32_t>((position >> cells_log2) + 1) & kLapMask;
  }
};

/// The shape of a new ring.
struct Shape {
  std::uint32_t shard_count;
  std::uint32_t cells_log2;
  std::uint64_t epoch;
  std::uint64_t pid_namespace;

  std::uint64_t file_bytes() const noexcept {
    return kHeaderBytes + (std::uint64_t{shard_count} << cells_log2) * sizeof(Cell);
  }
};

/// Writes the header of an empty ring; the cells behind it must be zeros. `memory` is aligned to
/// 4096 and holds at least the header.
void format(std::span<std::byte> memory, const Shape& shape) noexcept;

/// Nothing where `memory` holds no ring that this code understands; `why_not` says why.
std::optional<View> view(std::span<std::byte> memory) noexcept;

/// What is wrong with a ring's header, as the end of a message; empty where nothing is.
std::string_view why_not(std::span<const std::byte> memory) noexcept;
/// The same of the header alone, of a file of `file_bytes`.
std::string_view why_not(std::span<const std::byte> header, std::uint64_t file_bytes) noexcept;
inline constexpr std::string_view kOtherVersion = "a ring of another version";

}  // namespace manhattan::ring
