// SPDX-License-Identifier: MIT
#include "ring/view.h"

#include <cstring>

namespace manhattan::ring {

void format(std::span<std::byte> memory, const Shape& shape) noexcept {
  std::memset(memory.data(), 0, kHeaderBytes);
  Identity identity{};
  std::memcpy(identity.magic, kMagic, sizeof kMagic);
  identity.version = kVersion;
  identity.byte_order = kByteOrder;
  identity.header_bytes = kHeaderBytes;
  identity.cell_bytes = sizeof(Cell);
  identity.shard_count = shape.shard_count;
  identity.cells_log2 = shape.cells_log2;
  identity.epoch = shape.epoch;
  identity.pid_namespace = shape.pid_namespace;
  identity.file_bytes = shape.file_bytes();
  std::memcpy(memory.data(), &identity, sizeof identity);
  auto* shards = reinterpret_cast<Shard*>(memory.data() + kShardsOffset);
  for (std::uint32_t i = 0; i < shape.shard_count; ++i) {
    // relaxed: nobody else sees the ring before it gets its name.
    shards[i].wake_at.word.store(kNeverWake, std::memory_order_relaxed);
  }
}

std::string_view why_not(std::span<const std::byte> memory) noexcept {
  return why_not(memory, memory.size());
}

std::string_view why_not(std::span<const std::byte> memory, std::uint64_t file_bytes) noexcept {
  Identity identity{};
  if (memory.size() < kHeaderBytes) return "too short to be a ring";
  std::memcpy(&identity, memory.data(), sizeof identity);
  if (std::memcmp(identity.magic, kMagic, sizeof kMagic) != 0) return "not a ring";
  if (identity.byte_order != kByteOrder) return "a ring of another byte order";
  if (identity.version != kVersion) return kOtherVersion;
  const bool has_sound_shape = identity.shard_count >= 1 && identity.shard_count <= kMaxShards &&
                               identity.cells_log2 >= 4 && identity.cells_log2 <= 32 &&
                               identity.header_bytes == kHeaderBytes &&
                               identity.cell_bytes == sizeof(Cell);
  const Shape shape{identity.shard_count, identity.cells_log2, 0, 0};
  if (!has_sound_shape || identity.file_bytes != shape.file_bytes()) {
    return "a ring with impossible sizes";
  }
  if (file_bytes < identity.file_bytes) return "a ring cut short";
  return {};
}

std::optional<View> view(std::span<std::byte> memory) noexcept {
  if (!why_not(memory).empty()) return std::nullopt;
  Identity identity{};
  std::memcpy(&identity, memory.data(), sizeof identity);
  // Sizes that changed since the check would lead outside of the memory.
  const Shape shape{identity.shard_count, identity.cells_log2, 0, 0};
  if (shape.shard_count > kMaxShards || shape.cells_log2 > 32) return std::nullopt;
  if (shape.file_bytes() > memory.size()) return std::nullopt;
  View ring;
  ring.header = reinterpret_cast<Header*>(memory.data());
  ring.shards = reinterpret_cast<Shard*>(memory.data() + kShardsOffset);
  ring.cells = reinterpret_cast<Cell*>(memory.data() + kHeaderBytes);
  ring.shard_count = shape.shard_count;
  ring.cells_log2 = shape.cells_log2;
  ring.epoch = identity.epoch;
  ring.pid_namespace = identity.pid_namespace;
  return ring;
}

}  // namespace manhattan::ring
