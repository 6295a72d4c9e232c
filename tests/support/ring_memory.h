// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string>

#include "base/clock.h"
#include "ring/batch.h"
#include "ring/owner.h"
#include "ring/reader.h"
#include "ring/view.h"

namespace manhattan::testing {

/// A ring on plain memory, to step the protocol on.
class RingMemory {
 public:
  RingMemory(std::uint32_t shards, std::uint32_t cells_log2, std::uint64_t pid_namespace)
      : shape_{shards, cells_log2, 7, pid_namespace},
        bytes_(static_cast<std::byte*>(std::aligned_alloc(4096, rounded())), std::free) {
    if (!bytes_) throw std::bad_alloc();
    std::fill_n(bytes_.get(), rounded(), std::byte{0});
    ring::format(span(), shape_);
  }
  explicit RingMemory(std::uint32_t shards = 1, std::uint32_t cells_log2 = 6)
      : RingMemory(shards, cells_log2, ring::current_pid_namespace()) {}

  std::span<std::byte> span() noexcept { return {bytes_.get(), shape_.file_bytes()}; }
  ring::View view() noexcept { return *ring::view(span()); }

  /// Moves an empty ring to `position`, as if all before it had been written and drained.
  void start_at(std::uint64_t position) {
    const auto ring = view();
    for (std::uint32_t i = 0; i < ring.shard_count; ++i) {
      ring.shards[i].tail.word = position;
      ring.shards[i].head.word = position;
      for (std::uint64_t cell = 0; cell < ring.shard_cells(); ++cell) {
        const auto lap = ring.lap(position - 1 - (position - 1 - cell) % ring.shard_cells());
        ring.cell(i, cell).control = ring::Control::of(lap, ring::State::committed, 1, 0).word;
      }
    }
  }

 private:
  std::size_t rounded() const noexcept { return (shape_.file_bytes() + 4095) / 4096 * 4096; }

  ring::Shape shape_;
  std::unique_ptr<std::byte, void (*)(void*)> bytes_;
};

inline constexpr UnixNanos kNow{std::chrono::seconds(1'800'000'000)};
inline UnixNanos later(std::int64_t ns) { return kNow + std::chrono::nanoseconds(ns); }

/// All that is ripe at `now`, as one string.
inline std::string drain(ring::Reader& reader, UnixNanos now = kNow) {
  thread_local ring::Batch batch(1 << 20);
  batch.clear();
  reader.begin(now);
  reader.take(now, batch);
  reader.publish();
  return std::string(batch.bytes());
}

inline std::string payload_of(std::size_t length, unsigned seed) {
  std::string bytes(length, '\0');
  for (auto& byte : bytes) byte = static_cast<char>('!' + (seed = seed * 48271 + 11) / 7 % 90);
  return bytes;
}

}  // namespace manhattan::testing
