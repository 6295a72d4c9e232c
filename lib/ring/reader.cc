// SPDX-License-Identifier: MIT
#include "ring/reader.h"

#include <algorithm>
#include <limits>

#include "ring/frame.h"
#include "ring/futex.h"
#include "ring/owner.h"

namespace manhattan::ring {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
// A writer that shares our core is often met in the middle of a frame: only then ask who it is.
constexpr std::int64_t kSuspicionNs = kSecondNs / 1000;
// A pass: each may read a whole shard, and whoever forges words must not keep us at it.
constexpr int kMostSearches = 16;

}  // namespace

Reader::Reader(const View& ring)
    : ring_(ring),
      can_watch_(ring.pid_namespace != 0 && ring.pid_namespace == current_pid_namespace()),
      positions_(heads()),
      lanes_(ring.shard_count),
      scratch_(kMaxPayloadBytes + 8) {}

std::vector<std::uint64_t> Reader::heads() const {
  std::vector<std::uint64_t> heads;
  for (std::uint32_t i = 0; i < ring_.shard_count; ++i) {
    // acquire: pairs with publish() of the reader before this one.
    heads.push_back(ring_.shards[i].head.word.load(std::memory_order_acquire));
  }
  return heads;
}

void Reader::go_to(const std::vector<std::uint64_t>& positions, const Tally& tally) {
  positions_ = positions;
  positions_.resize(ring_.shard_count);
  tally_ = tally;
  for (auto& lane : lanes_) lane.front = Front::unknown;
}

void Reader::begin(UnixNanos now) noexcept {
  now_ns_ = now.time_since_epoch().count();
  searches_left_ = kMostSearches;
  for (auto& lane : lanes_) lane.front = Front::unknown;
}

// Sets the front of a shard's lane, passing over what is abandoned or damaged. The bound keeps a
// hostile writer from holding us here.
void Reader::look(std::uint32_t shard) noexcept {
  auto& lane = lanes_[shard];
  lane.front = Front::unknown;
  for (std::uint64_t i = 0; i < ring_.shard_cells() && lane.front == Front::unknown; ++i) {
    // acquire: pairs with the writer's reservation and commit.
    const auto word = ring_.cell(shard, positions_[shard]).control.load(std::memory_order_acquire);
    lane.front = judge(shard, Control{word});
  }
  if (lane.front == Front::unknown) lane.front = Front::empty;
  // Nothing was reserved here yet, so whatever comes was reserved after this pass began.
  if (lane.front == Front::empty) lane.begun_after_ns = now_ns_;
}

Reader::Front Reader::judge(std::uint32_t shard, Control control) noexcept {
  const auto ahead = laps_between(control.lap(), ring_.lap(positions_[shard]));
  if (ahead < 0) return judge_empty(shard);
  if (ahead > 0 || control.state() == State::none || !is_sane(control)) {
    return search(shard);
  }
  switch (control.state()) {
    case State::committed:
      return judge_committed(shard, control);
    case State::reserved:
      return judge_reserved(shard, control);
    default:
      break;
  }
  // Counted when passed, not when given up: a reader killed in between passes it again.
  ++tally_.abandoned;
  positions_[shard] += control.cells();
  return Front::unknown;
}

bool Reader::is_sane(Control control) const noexcept {
  return control.cells() >= 1 && control.cells() <= ring_.most_cells();
}

Reader::Front Reader::judge_committed(std::uint32_t shard, Control control) noexcept {
  const auto head = head_of(ring_.cell(shard, positions_[shard]));
  if (head.length_bytes > kMaxPayloadBytes || cells_for(head.length_bytes) != control.cells()) {
    ++tally_.corrupt;
    positions_[shard] += control.cells();
    return Front::unknown;
  }
  // A time of more than a second ahead is damage or a clock that was put back: it must not hold
  // the frame, and all behind it, until then.
  const bool is_from_afar = head.at_ns > now_ns_ + kSecondNs;
  lanes_[shard].key_ns = is_from_afar ? now_ns_ : head.at_ns;
  lanes_[shard].cells = control.cells();
  return Front::ready;
}

bool Reader::is_given_up(Lane& lane, std::uint64_t position, Control control) const noexcept {
  if (lane.blocked_position != position || now_ns_ < lane.blocked_since_ns) {
    lane.blocked_position = position;
    lane.blocked_since_ns = now_ns_;
    return false;
  }
  const auto waited_ns = now_ns_ - lane.blocked_since_ns;
  if (waited_ns >= kSecondNs) return true;
  return waited_ns >= kSuspicionNs && can_watch_ && is_gone(control.owner());
}

Reader::Front Reader::judge_reserved(std::uint32_t shard, Control control) noexcept {
  const auto position = positions_[shard];
  if (!is_given_up(lanes_[shard], position, control)) return Front::blocked;
  auto expected = control.word;
  // Invariant 3: from here its owner can't commit. acq_rel: pairs with the commit, which may win;
  // either way the word is final, and the next look tells.
  ring_.cell(shard, position)
      .control.compare_exchange_strong(expected, control.with(State::abandoned).word,
                                       std::memory_order_acq_rel, std::memory_order_acquire);
  return Front::unknown;
}

Reader::Front Reader::judge_empty(std::uint32_t shard) noexcept {
  // acquire: pairs with Writer::move_tail; a tail beyond us was moved over a reservation there.
  const auto tail = ring_.shards[shard].tail.word.load(std::memory_order_acquire);
  const auto position = positions_[shard];
  if (static_cast<std::int64_t>(tail - position) <= 0) return Front::empty;
  const Control again{ring_.cell(shard, position).control.load(std::memory_order_acquire)};
  if (laps_between(again.lap(), ring_.lap(position)) >= 0) return Front::unknown;  // just now
  return search(shard);
}

// What stands at our position can be no frame though something should be there: goes on to the next
// cell that holds one for sure, and counts the gap.
Reader::Front Reader::search(std::uint32_t shard) noexcept {
  if (searches_left_ == 0) return Front::empty;
  --searches_left_;
  auto& position = positions_[shard];
  // acquire: pairs with Writer::move_tail.
  const auto tail = ring_.shards[shard].tail.word.load(std::memory_order_acquire);
  const auto behind = static_cast<std::int64_t>(tail - position);
  const auto cells = static_cast<std::int64_t>(ring_.shard_cells());
  // Lapped: our own position was damaged, and what is left begins a lap before tail.
  const bool is_lapped = behind > cells && behind < (std::int64_t{1} << 48);
  const auto from = is_lapped ? tail - ring_.shard_cells() : position + 1;
  for (auto next = from; next < from + ring_.shard_cells(); ++next) {
    if (!starts_frame(shard, next)) continue;
    ++tally_.corrupt;
    position = next;
    return Front::unknown;
  }
  return bury(shard);
}

// No frame anywhere: an empty cell means that a hint was damaged, which publish() mends; any other
// word is made one that writers and readers pass.
Reader::Front Reader::bury(std::uint32_t shard) noexcept {
  auto& position = positions_[shard];
  auto& control = ring_.cell(shard, position).control;
  auto seen = control.load(std::memory_order_acquire);  // acquire: as in look()
  if (laps_between(Control{seen}.lap(), ring_.lap(position)) < 0) return Front::empty;
  const auto grave = Control::of(ring_.lap(position), State::abandoned, 1, 0);
  // release: pairs with the acquire in Writer::reserve.
  if (control.compare_exchange_strong(seen, grave.word, std::memory_order_release,
                                      std::memory_order_relaxed)) {
    ++tally_.corrupt;
    ++position;
  }
  return Front::unknown;
}

bool Reader::starts_frame(std::uint32_t shard, std::uint64_t position) noexcept {
  const auto& cell = ring_.cell(shard, position);
  // acquire: as in look().
  const Control control{cell.control.load(std::memory_order_acquire)};
  if (control.lap() != ring_.lap(position) || !is_sane(control)) return false;
  if (control.state() != State::committed) return control.state() != State::none;
  const auto head = head_of(cell);
  if (head.length_bytes > kMaxPayloadBytes) return false;
  copy_out(ring_, shard, position, head.length_bytes, scratch_.data());
  const auto sum = digest(scratch_.data(), head.length_bytes);
  return head.checksum == bind(sum, position, head.at_ns, head.kind);
}

void Reader::take_front(std::uint32_t shard, Batch& batch) noexcept {
  const auto position = positions_[shard];
  const auto head = head_of(ring_.cell(shard, position));
  // Judged once already, but the words may have changed since: the copy alone is judged for good.
  const auto length = std::min<std::size_t>(head.length_bytes, kMaxPayloadBytes);
  copy_out(ring_, shard, position, length, batch.end());
  const auto sum = digest(batch.end(), length);
  if (head.checksum == bind(sum, position, head.at_ns, head.kind)) {
    batch.grow(length);
    ++tally_.taken;
  } else {
    ++tally_.corrupt;
  }
  positions_[shard] += lanes_[shard].cells;
}

void Reader::take_run(std::uint32_t shard, std::int64_t until_ns, Batch& batch) {
  auto& lane = lanes_[shard];
  while (lane.front == Front::ready && lane.key_ns <= until_ns && !batch.is_full()) {
    lane.begun_after_ns = std::max(lane.begun_after_ns, lane.key_ns);
    take_front(shard, batch);
    look(shard);
  }
}

void Reader::take(UnixNanos bound, Batch& batch) {
  const auto bound_ns = std::min(bound.time_since_epoch().count(), now_ns_);
  while (!batch.is_full()) {
    std::uint32_t first = 0;
    auto least = std::numeric_limits<std::int64_t>::max(), second = least;
    for (std::uint32_t i = 0; i < ring_.shard_count; ++i) {
      if (lanes_[i].front == Front::unknown) look(i);
      if (lanes_[i].front != Front::ready) continue;
      const auto key = lanes_[i].key_ns;
      if (key < least)
        second = least, least = key, first = i;
      else
        second = std::min(second, key);
    }
    const auto limit = std::min(bound_ns, blocked_bound_ns());
    if (lanes_[first].front != Front::ready || least > limit) return;
    take_run(first, std::min(limit, second), batch);
  }
}

// What a shard hides behind an unfinished frame was begun after it was reserved, or so late that it
// was not there when the shard was last seen empty: nothing begun before that has to wait for it.
std::int64_t Reader::blocked_bound_ns() const noexcept {
  auto bound = std::numeric_limits<std::int64_t>::max();
  for (const auto& lane : lanes_) {
    if (lane.front == Front::blocked) bound = std::min(bound, lane.begun_after_ns);
  }
  return bound;
}

UnixNanos Reader::ripe_until() const noexcept {
  return UnixNanos(std::chrono::nanoseconds(std::min(now_ns_, blocked_bound_ns())));
}

bool Reader::has_unripe() const noexcept {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) {
    return lane.front == Front::ready || lane.front == Front::blocked;
  });
}

void Reader::publish() noexcept {
  bool has_moved = false;
  for (std::uint32_t i = 0; i < ring_.shard_count; ++i) {
    auto& lines = ring_.shards[i];
    const auto position = positions_[i];
    // relaxed: our own word.
    has_moved = has_moved || lines.head.word.load(std::memory_order_relaxed) != position;
    // release: pairs with the acquire in Writer::has_room; we are done with the cells before it.
    lines.head.word.store(position, std::memory_order_release);
    // acquire: pairs with Writer::move_tail, so that the next load sees what tail has passed.
    auto tail = lines.tail.word.load(std::memory_order_acquire);
    const Control front{ring_.cell(i, position).control.load(std::memory_order_acquire)};
    const bool is_empty = laps_between(front.lap(), ring_.lap(position)) < 0;
    const bool is_behind = static_cast<std::int64_t>(tail - position) < 0;
    // Invariants 2 and 5: a tail behind us, or beyond a cell that nobody reserved, is damaged or
    // was left behind by the dead. release: as Writer::move_tail.
    if (is_behind || (is_empty && tail != position)) {
      lines.tail.word.compare_exchange_strong(tail, position, std::memory_order_release,
                                              std::memory_order_relaxed);
    }
  }
  // Observers follow us, who are woken anyway, so that no writer has to know of them.
  if (has_moved) notify(ring_.header->moved.word);
}

// Says from where on we want to be woken; false where there is that much already.
bool Reader::arm(Until until) noexcept {
  const auto ahead = until == Until::any_frame ? 0 : ring_.shard_cells() / 4;
  for (std::uint32_t i = 0; i < ring_.shard_count; ++i) {
    // seq_cst: pairs with Writer::commit; of its commit and this store, one side sees the other's.
    ring_.shards[i].wake_at.word.store(positions_[i] + ahead, std::memory_order_seq_cst);
  }
  for (std::uint32_t i = 0; i < ring_.shard_count; ++i) {
    const Control front{ring_.cell(i, positions_[i]).control.load(std::memory_order_seq_cst)};
    if (laps_between(front.lap(), ring_.lap(positions_[i])) < 0) continue;  // empty
    if (ahead == 0) return false;
    // seq_cst: after the stores above, as the load before it.
    const auto tail = ring_.shards[i].tail.word.load(std::memory_order_seq_cst);
    if (static_cast<std::int64_t>(tail - positions_[i] - ahead) > 0) return false;
  }
  return true;
}

void Reader::sleep(Until until, std::uint32_t seen, std::chrono::nanoseconds timeout,
                   const Seen* other) noexcept {
  auto& word = ring_.header->futex.word;
  if (arm(until)) other ? sleep_on({word, seen}, *other, timeout) : sleep_on(word, seen, timeout);
  for (std::uint32_t i = 0; i < ring_.shard_count; ++i) {
    // relaxed: a late view of it costs a writer one needless wake-up.
    ring_.shards[i].wake_at.word.store(kNeverWake, std::memory_order_relaxed);
  }
}

}  // namespace manhattan::ring
