// SPDX-License-Identifier: MIT
#include "ring/writer.h"

#include "ring/frame.h"
#include "ring/futex.h"
#include "ring/owner.h"

namespace manhattan::ring {
namespace {

constexpr std::uint32_t kPrefetchedCells = 8;  // most records have fewer

// Every failed try is some other writer's success, so a few are enough on a sound ring.
constexpr int kMostTries = 1000;

}  // namespace

Writer::Writer(const View& ring) noexcept
    : ring_(ring),
      can_be_watched_(ring.pid_namespace != 0 && ring.pid_namespace == current_pid_namespace()) {}

void Writer::prefetch() const noexcept {
  // Where the last record ended, not at tail: the ring may be cut short, and must not be read here.
  const auto& shard = ring_.shards[last_shard_];
  __builtin_prefetch(&shard.tail, 1);
  __builtin_prefetch(&shard.head);
  __builtin_prefetch(&shard.wake_at);
  for (std::uint32_t i = 0; i < kPrefetchedCells; ++i) {
    __builtin_prefetch(&ring_.cell(last_shard_, next_position_ + i), 1);
  }
}

bool Writer::has_room(const Place& place) noexcept {
  // acquire: pairs with the release in Reader::publish; the reader has copied out what we are
  // about to write over (invariant 4).
  const auto head = ring_.shards[place.shard].head.word.load(std::memory_order_acquire);
  const auto used = static_cast<std::int64_t>(place.position + place.cells - head);
  return used <= static_cast<std::int64_t>(ring_.shard_cells());
}

void Writer::move_tail(const Place& place, std::uint32_t cells) noexcept {
  auto expected = place.position;
  // release: pairs with the acquire of tail in reserve(): who sees it sees the reservation that it
  // passes. Where this fails, somebody else has moved it.
  ring_.shards[place.shard].tail.word.compare_exchange_strong(
      expected, place.position + cells, std::memory_order_release, std::memory_order_relaxed);
}

bool Writer::claim_cell(const Place& place, Control seen) noexcept {
  const auto claim =
      Control::of(ring_.lap(place.position), State::reserved, place.cells, place.owner);
  // The reservation (invariants 1 and 2). release: pairs with the acquire of control in reserve()
  // and in Reader. Where it fails, another writer has this position.
  return ring_.cell(place.shard, place.position)
      .control.compare_exchange_strong(seen.word, claim.word, std::memory_order_release,
                                       std::memory_order_relaxed);
}

Writer::Claim Writer::reserve(Place& place) noexcept {
  for (int i = 0; i < kMostTries; ++i) {
    // acquire: pairs with move_tail.
    place.position = ring_.shards[place.shard].tail.word.load(std::memory_order_acquire);
    if (!has_room(place)) return Claim::full;
    // acquire: pairs with claim_cell.
    const Control seen{
        ring_.cell(place.shard, place.position).control.load(std::memory_order_acquire)};
    const auto ahead = laps_between(seen.lap(), ring_.lap(place.position));
    if (ahead > 0) continue;  // a lap has passed since we read tail
    if (ahead < 0) {
      if (!claim_cell(place, seen)) continue;
      move_tail(place, place.cells);
      return Claim::taken;
    }
    if (seen.cells() == 0 || seen.cells() > ring_.most_cells()) return Claim::damaged;
    // Who reserved here has not moved tail, and may have died: move it in its place.
    move_tail(place, seen.cells());
  }
  return Claim::damaged;
}

Write Writer::append(std::uint8_t kind, UnixNanos at, std::string_view payload) noexcept {
  if (payload.size() > kMaxPayloadBytes) return Write::too_long;
  const auto owner = current_owner();
  Place place{owner % ring_.shard_count, cells_for(payload.size()), can_be_watched_ ? owner : 0, 0};
  if (place.cells > ring_.most_cells()) return Write::too_long;
  __builtin_prefetch(&ring_.shards[place.shard].tail, 1);  // on its way during the checksum
  const auto sum = digest(payload.data(), payload.size());
  const auto claim = reserve(place);
  if (claim != Claim::taken) return refuse(claim);
  const auto at_ns = at.time_since_epoch().count();
  const FrameHead head{bind(sum, place.position, at_ns, kind), at_ns,
                       static_cast<std::uint32_t>(payload.size()), kind};
  last_shard_ = place.shard;
  next_position_ = place.position + place.cells;
  copy_in(ring_, place.shard, place.position, head, payload.data());
  return commit(place);
}

Write Writer::commit(const Place& place) noexcept {
  auto mine = Control::of(ring_.lap(place.position), State::reserved, place.cells, place.owner);
  // Publishes the copy (invariant 3). seq_cst: pairs with the store of wake_at in Reader::arm:
  // either the reader sees this record before it sleeps, or we see that it wants to be woken.
  if (!ring_.cell(place.shard, place.position)
           .control.compare_exchange_strong(mine.word, mine.with(State::committed).word,
                                            std::memory_order_seq_cst, std::memory_order_relaxed)) {
    // relaxed, here and below: a tally.
    ring_.header->lost.word.fetch_add(1, std::memory_order_relaxed);
    return Write::lost;
  }
  const auto wake_at = ring_.shards[place.shard].wake_at.word.load(std::memory_order_seq_cst);
  if (place.position + place.cells > wake_at) notify(ring_.header->futex.word);
  return Write::written;
}

// Out of line and rare: the reader is asleep, dead or slow, or has something to repair.
Write Writer::refuse(Claim why) noexcept {
  if (why == Claim::full) ring_.header->full.word.fetch_add(1, std::memory_order_relaxed);
  notify(ring_.header->futex.word);
  return why == Claim::full ? Write::full : Write::damaged;
}

}  // namespace manhattan::ring
