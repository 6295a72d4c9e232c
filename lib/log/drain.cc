// SPDX-License-Identifier: MIT
#include "log/drain.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "log/edits.h"
#include "log/journal.h"
#include "log/ring_side.h"
#include "log/segment_writer.h"
#include "log/spill_intake.h"
#include "ring/futex.h"

namespace manhattan::log {
namespace {

// Small enough to stay in the processor's cache, large enough to make the write cheap.
constexpr std::size_t kBatchBytes = 256 * 1024;
static_assert(kBatchBytes >= kMaxSpillBytes);
// So that wake() and the other duties of the caller's loop get their turn under load.
constexpr int kMostBatches = 64;
// Under load the ring is emptied every so often and not at every record: a wake-up costs the
// writer a system call, and each pass some dozens here and where the log is read, on processors
// that the web requests want. Less than the Worker takes for quiet, or each pass ended in a flush.
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kRipening{2};
constexpr std::chrono::milliseconds kRetry{200};
constexpr std::chrono::seconds kFromAfar{1};

// How long a ring that was replaced is drained on: a writer in the middle of a record is given up
// after a second as well.
constexpr std::chrono::seconds kLinger{1};

}  // namespace

struct Drain::Inside {
  Inside(const std::string& ring_path, const std::string& prefix, base::Files& files_,
         const base::Clock& clock_, Segments::Tell tell)
      : files(files_),
        clock(clock_),
        path(ring_path == "none" ? "" : ring_path),
        ring(path.empty() ? nullptr : std::make_unique<RingSide>(path)),
        ring_bytes(ring ? ring->file_bytes() : 0),
        journal(prefix, files),
        spill(prefix, files, tell),
        edits(prefix, files),
        segment(prefix, files,
                has_ring() ? SegmentWriter::Writers::alone : SegmentWriter::Writers::shared,
                std::move(tell)),
        batch(kBatchBytes) {}

  /// Should have one, even where it was lost a moment ago and could not be made again.
  bool has_ring() const noexcept { return !path.empty(); }

  void settle();
  std::size_t pass();
  std::size_t move_batch();
  void fill(UnixNanos now);
  std::size_t records_since(const Step& step) const noexcept;
  Step step_now() const;
  void look_for_spills(UnixNanos now);
  void finish();
  bool has_taken_all();
  void declare();
  void change_rings();
  void replace_spoilt(UnixNanos now);
  void make_ring();
  void attach();
  [[noreturn]] void lose_ring();
  void detach();
  void sleep(std::chrono::milliseconds timeout, std::uint32_t seen, const ring::Seen& own);

  base::Files& files;
  const base::Clock& clock;
  const std::string path;          // of the ring; empty: only spills are taken in
  std::unique_ptr<RingSide> ring;  // changed under the mutex
  std::uint64_t ring_bytes;
  Journal journal;
  SpillIntake spill;
  Edits edits;
  SegmentWriter segment;
  ring::Batch batch;
  bool must_settle = true;  // a pass failed half-way: start over from what is committed
  bool has_moved = false;   // something since the last wait()
  bool has_unripe = false;  // the last pass left something for a little later
  bool has_more = false;    // and something for the next one at once
  std::atomic<bool> is_woken{false};
  std::atomic<std::uint32_t> own_futex{0};

  UnixNanos horizon{};  // all that was spilled before it is in a file that we have open
  std::exception_ptr spill_failure;

  mutable std::mutex mutex;  // of those below
  Written declared;
  DrainCounters counters;  // of the ring, those of its predecessors
  UnixNanos settled_until{};
};

// Makes journal, log, ring and spill agree after a kill or a failed write. Idempotent: a kill in
// the middle of it changes nothing.
void Drain::Inside::settle() {
  if (journal.is_pending()) {
    if (segment.settle(journal.pending(), journal.written())) {
      journal.commit();
    } else {
      journal.take_back();
    }
  }
  segment.find_end(clock.now(), journal.written());
  if (ring) ring->resume(journal.done());
  spill.go_to(journal.done().spill);
  must_settle = false;
  declare();
}

void Drain::Inside::declare() {
  const auto& done = journal.done();
  const std::lock_guard lock(mutex);
  declared = segment.end();
  counters.drained_records = done.drained;
  counters.taken_in_records = done.spill.taken_in;
  counters.abandoned_records = done.abandoned;
  counters.corrupt_records = done.corrupt;
  counters.torn_spills = done.spill.torn;
}

Step Drain::Inside::step_now() const {
  Step step = journal.done();
  step.spill = spill.position();
  if (!ring) return step;
  const auto& reader = ring->reader();
  const auto& tally = reader.tally();
  step.ring_epoch = ring->epoch();
  std::copy(reader.positions().begin(), reader.positions().end(), step.positions);
  step.drained = tally.taken;
  step.abandoned = tally.abandoned;
  step.corrupt = tally.corrupt;
  return step;
}

// Merges ring and spill by time into the batch. Of a frame and a spilled record of one time the
// frame goes first.
void Drain::Inside::fill(UnixNanos now) {
  if (ring) ring->begin(now);
  const auto most = has_ring() ? kBatchBytes : 1;  // shared with other writers: one record a batch
  while (batch.bytes().size() < most) {
    const auto* spilled = spill.front();
    // A time from afar, as in the ring, is damage or a clock put back: it holds nothing up.
    const bool is_from_afar = spilled != nullptr && spilled->at > now + kFromAfar;
    const auto bound =
        spilled == nullptr || is_from_afar ? horizon : std::min(horizon, spilled->at);
    if (ring) ring->take(bound, batch);
    if (spilled == nullptr || !batch.has_room(spilled->line.size())) return;
    const auto ripe_until = ring ? ring->reader().ripe_until() : now;
    if (batch.is_full() || ripe_until < bound || (spilled->at > horizon && !is_from_afar)) return;
    batch.append(spilled->line);
    spill.pop();
  }
}

std::size_t Drain::Inside::records_since(const Step& step) const noexcept {
  return journal.done().drained + journal.done().spill.taken_in - step.drained -
         step.spill.taken_in;
}

std::size_t Drain::Inside::move_batch() {
  const auto now = clock.now();
  const Step before = journal.done();
  batch.clear();
  look_for_spills(now);
  fill(now);
  auto step = step_now();
  if (std::memcmp(&step, &before, sizeof step) != 0) {
    step.length = 0;
    const auto lines = edits.edited(batch.bytes());
    if (!lines.empty()) {
      segment.rotate(now);
      if (segment.written() != journal.written()) {
        journal.note(segment.written());
        declare();  // before anything is written there: a reader takes other segments for whole
      }
      segment.plan(lines, step);
    }
    journal.prepare(step);
    segment.append(lines);
    journal.commit();
  }
  finish();
  return records_since(before);
}

// What stands in a spill file that we have not seen was begun after the horizon, so nothing newer
// may go before it. A new file is only taken up, and the horizon moved, when those we have are
// empty up to there: else each batch of a long backlog would add a file.
void Drain::Inside::look_for_spills(UnixNanos now) {
  spill.look_again();
  const auto* spilled = spill.front();
  if (spilled != nullptr && spilled->at <= horizon) return;
  horizon = now;
  try {
    spill.look();
  } catch (const IoError&) {
    // One that can't be had must not keep the ring from being drained: pass() throws it later.
    spill_failure = std::current_exception();
  }
}

// What may be forgotten once a batch is committed. A kill before it leaves it to the next drain.
void Drain::Inside::finish() {
  if (ring) ring->publish();
  declare();
  spill.remove_finished();
}

// The batch had room for all that was ripe when it was begun. What has come since can wait for the
// next pass: under load there is always something, and each batch has its price.
bool Drain::Inside::has_taken_all() {
  return has_ring() && !batch.is_full() && spill.front() == nullptr;
}

std::size_t Drain::Inside::pass() {
  if (must_settle) settle();
  must_settle = true;
  std::size_t total = 0;
  bool is_emptied = false;
  for (int i = 0; i < kMostBatches && !is_emptied; ++i) {
    const auto moved = move_batch();
    total += moved;
    is_emptied = moved == 0 || has_taken_all();
  }
  if (spill_failure) std::rethrow_exception(std::exchange(spill_failure, nullptr));
  must_settle = false;
  has_more = !is_emptied;
  has_moved = has_moved || total > 0;
  has_unripe = (ring && ring->reader().has_unripe()) || spill.front() != nullptr;
  if (is_emptied) {
    const auto ripe_until = ring ? ring->reader().ripe_until() : horizon;
    {
      const std::lock_guard lock(mutex);
      settled_until = std::min(ripe_until, horizon);
    }
    edits.passed(std::min(ripe_until, horizon));
  }
  if (has_ring()) change_rings();
  return total;
}

// A ring that was renamed or removed is drained until its writers have left it; only then comes
// what they wrote to the next, so that no writer's records change their order.
void Drain::Inside::change_rings() {
  if (!ring) return attach();
  const auto now = clock.now();
  if (!ring->is_retired()) {
    if (!ring->is_current(path)) {
      ring->retire(now);
    } else if (!ring->is_sound()) {
      return replace_spoilt(now);
    }
  } else if (now - ring->retired_at() >= kLinger && !has_unripe) {
    detach();
    attach();
  }
  if (ring && ring->is_retired()) make_ring();
}

// Who has it mapped can still write there and be drained, but nobody else can map it.
void Drain::Inside::replace_spoilt(UnixNanos now) {
  ring->retire(now);
  files.remove(path);
  make_ring();
  throw RingError("the header of ring '" + path +
                  "' was spoilt by a writer: it is drained, and another has taken its place");
}

void Drain::Inside::make_ring() {
  try {
    ring::ensure_ring(files, path, ring_bytes);
  } catch (const Error& error) {
    throw RingError(error.what());
  }
}

void Drain::Inside::attach() {
  make_ring();
  std::unique_ptr<RingSide> next;
  try {
    next = std::make_unique<RingSide>(path);
  } catch (const Error& error) {
    throw RingError(error.what());
  }
  ring_bytes = next->file_bytes();
  {
    const std::lock_guard lock(mutex);
    ring = std::move(next);
  }
  settle();
}

// What its writers have counted must not be forgotten with it.
void Drain::Inside::detach() {
  const std::lock_guard lock(mutex);
  try {
    const auto tallies = ring->tallies();
    counters.dropped_records += tallies.dropped;
    counters.full_ring_records += tallies.full;
  } catch (const RingCut&) {
  }
  ring.reset();
}

// The ring was cut short: who has it mapped can only lose it. What is in the log stays.
void Drain::Inside::lose_ring() {
  const bool is_current = ring->is_current(path);
  detach();
  {
    const std::lock_guard lock(mutex);
    ++counters.lost_rings;
  }
  must_settle = true;
  if (is_current) files.remove(path);
  attach();
  must_settle = false;
  throw RingError("ring '" + path +
                  "' was cut short: what waited in it is lost; another has taken its place");
}

Drain::Drain(const std::string& ring_path, const std::string& prefix, base::Files& files,
             const base::Clock& clock, Segments::Tell tell)
    : inside_(std::make_unique<Inside>(ring_path, prefix, files, clock, std::move(tell))) {}

Drain::~Drain() = default;

void Drain::anonymize() noexcept { inside_->edits.anonymize(); }

void Drain::recover() { inside_->settle(); }

std::size_t Drain::pass() {
  try {
    return inside_->pass();
  } catch (const RingCut&) {
    inside_->lose_ring();
  }
}

std::optional<Written> Drain::declared() const {
  if (!inside_->has_ring()) return std::nullopt;
  const std::lock_guard lock(inside_->mutex);
  return inside_->declared;
}

void Drain::wait(std::chrono::milliseconds timeout) {
  auto& in = *inside_;
  if (std::exchange(in.has_more, false)) return;
  // A failed pass is tried again after a while: writers who find the ring full must not hurry it.
  const bool is_ring_ours = in.ring && !in.must_settle;
  try {
    // acquire: pairs with notify(); a wake() after this line ends the sleep below.
    const ring::Seen own{in.own_futex, in.own_futex.load(std::memory_order_acquire)};
    const auto seen = is_ring_ours ? in.ring->wakes() : own.value;
    // acq_rel: pairs with the release in wake().
    if (in.is_woken.exchange(false, std::memory_order_acq_rel)) return;
    if (is_ring_ours) return in.sleep(timeout, seen, own);
    const auto most = in.must_settle || in.has_ring() ? std::min(timeout, kRetry) : timeout;
    ring::sleep_on(in.own_futex, seen, in.has_unripe ? std::min(most, kRipening) : most);
  } catch (const RingCut&) {
    // The next pass meets it as well.
  }
}

void Drain::Inside::sleep(std::chrono::milliseconds timeout, std::uint32_t seen,
                          const ring::Seen& own) {
  using Until = ring::Reader::Until;
  const bool is_under_load = std::exchange(has_moved, false);
  if (ring->is_retired()) timeout = std::min(timeout, kRetry);
  if (is_under_load) timeout = std::min(timeout, kTick);
  // Under load what is not ripe is mostly a record that came a moment ago, one of many.
  if (has_unripe && !is_under_load) return ring->nap(seen, std::min(timeout, kRipening));
  ring->sleep(is_under_load ? Until::quarter_full : Until::any_frame, seen, timeout, own);
}

void Drain::wake() noexcept {
  auto& in = *inside_;
  in.is_woken.store(true, std::memory_order_release);  // pairs with wait()
  ring::notify(in.own_futex);
  const std::lock_guard lock(in.mutex);
  try {
    if (in.ring) in.ring->wake();
  } catch (const RingCut&) {
    // Nobody sleeps on what is not there.
  }
}

DrainCounters Drain::counters() const {
  const auto& in = *inside_;
  const std::lock_guard lock(in.mutex);
  auto counters = in.counters;
  try {
    const auto tallies = in.ring ? in.ring->tallies() : RingSide::Tallies{};
    counters.dropped_records += tallies.dropped;
    counters.full_ring_records += tallies.full;
    counters.ring_used_bytes = tallies.used_cells * sizeof(ring::Cell);
    counters.ring_bytes = tallies.cells * sizeof(ring::Cell);
  } catch (const RingCut&) {
    // The next pass meets it, and counts it.
  }
  if (counters.ring_used_bytes > 0) counters.behind = in.clock.now() - in.settled_until;
  return counters;
}

}  // namespace manhattan::log
