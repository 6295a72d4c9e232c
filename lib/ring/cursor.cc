// SPDX-License-Identifier: MIT
#include "ring/cursor.h"

#include "ring/frame.h"
#include "ring/futex.h"

namespace manhattan::ring {

Cursor::Cursor(const View& ring, From from) : ring_(ring), positions_(ring.shard_count) {
  for (std::uint32_t i = 0; i < ring.shard_count; ++i) {
    auto& line = from == From::oldest ? ring.shards[i].head : ring.shards[i].tail;
    // acquire: pairs with Reader::publish or Writer::move_tail; either is the start of a frame.
    positions_[i] = line.word.load(std::memory_order_acquire);
  }
}

Cursor::Next Cursor::next(Observed& frame) {
  for (std::uint32_t i = 0; i < ring_.shard_count; ++i) {
    const auto shard = (turn_ + i) % ring_.shard_count;
    const auto next = next_of(shard, frame);
    if (next == Next::nothing) continue;
    turn_ = shard;  // a run of one shard's frames is cheaper than turns
    return next;
  }
  turn_ = (turn_ + 1) % ring_.shard_count;
  return Next::nothing;
}

Cursor::Next Cursor::next_of(std::uint32_t shard, Observed& frame) {
  auto& position = positions_[shard];
  for (;;) {
    // acquire: pairs with Writer::commit.
    const Control control{ring_.cell(shard, position).control.load(std::memory_order_acquire)};
    const auto ahead = laps_between(control.lap(), ring_.lap(position));
    if (ahead < 0) return is_stranded(shard) ? jump(shard) : Next::nothing;
    const bool is_sane = control.cells() >= 1 && control.cells() <= ring_.most_cells();
    if (ahead > 0 || control.state() == State::none || !is_sane) return jump(shard);
    if (control.state() == State::reserved) return Next::nothing;
    if (control.state() == State::committed) {
      if (!copy(shard, position, frame)) return jump(shard);
      position += control.cells();
      return Next::frame;
    }
    position += control.cells();
  }
}

bool Cursor::copy(std::uint32_t shard, std::uint64_t position, Observed& frame) {
  const auto head = head_of(ring_.cell(shard, position));
  if (head.length_bytes > kMaxPayloadBytes) return false;
  frame.payload.resize(head.length_bytes + 8);
  copy_out(ring_, shard, position, head.length_bytes, frame.payload.data());
  frame.payload.resize(head.length_bytes);
  frame.kind = head.kind;
  frame.at = UnixNanos(std::chrono::nanoseconds(head.at_ns));
  const auto sum = digest(frame.payload.data(), frame.payload.size());
  return head.checksum == bind(sum, position, head.at_ns, head.kind);
}

// To what the reader has not given back yet: writers won't write over that for a while.
Cursor::Next Cursor::jump(std::uint32_t shard) {
  const auto& lines = ring_.shards[shard];
  const auto head = lines.head.word.load(std::memory_order_acquire);  // as in the constructor
  const auto from = positions_[shard];
  const bool is_forward = static_cast<std::int64_t>(head - from) > 0;
  const auto to = is_forward ? head : lines.tail.word.load(std::memory_order_acquire);
  if (static_cast<std::int64_t>(to - from) <= 0) return Next::nothing;  // the reader will mend it
  positions_[shard] = to;
  most_missed_ = to - from;
  return Next::overrun;
}

// Nothing was ever begun here, yet the reader is further on: it has mended a damaged tail, or
// passed over damage, and we wait where no frame will come before the next lap.
bool Cursor::is_stranded(std::uint32_t shard) const noexcept {
  // acquire: as in jump(). Loaded before the cell: had a frame been here, that load would see it.
  const auto head = ring_.shards[shard].head.word.load(std::memory_order_acquire);
  const auto position = positions_[shard];
  if (static_cast<std::int64_t>(head - position) <= 0) return false;
  const Control now{ring_.cell(shard, position).control.load(std::memory_order_acquire)};
  return laps_between(now.lap(), ring_.lap(position)) < 0;
}

std::uint32_t Cursor::moves() const noexcept {
  // acquire: pairs with notify() in Reader::publish; next() then sees what was taken.
  return ring_.header->moved.word.load(std::memory_order_acquire);
}

void Cursor::sleep(std::uint32_t seen, std::chrono::nanoseconds timeout) const noexcept {
  sleep_on(ring_.header->moved.word, seen, timeout);
}

}  // namespace manhattan::ring
