// SPDX-License-Identifier: MIT
#include "log/drain.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "log/journal.h"
#include "log/segment_writer.h"
#include "log/spill_intake.h"
#include "ring/futex.h"
#include "ring/reader.h"
#include "ring/ring_file.h"

namespace manhattan::log {
namespace {

// Small enough to stay in the processor's cache, large enough to make the write cheap.
constexpr std::size_t kBatchBytes = 256 * 1024;
static_assert(kBatchBytes >= kMaxSpillBytes);
// So that wake() and the other duties of the caller's loop get their turn under load.
constexpr int kMostBatches = 64;
// Under load the ring is emptied every so often and not at every record: a wake-up costs the
// writer a system call.
constexpr std::chrono::milliseconds kTick{5};
constexpr std::chrono::milliseconds kRipening{2};
constexpr std::chrono::milliseconds kRetry{200};
constexpr std::chrono::seconds kFromAfar{1};

base::UniqueFd lock_ring(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd && errno == ENOENT) throw ConfigError("no ring at '" + path + "'");
  if (!fd) throw IoError("open ring", path, last_error());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) throw IoError("lock", path, last_error());
  throw ConfigError("ring '" + path + "' is already drained by another process");
}

/// The ring's side of a drain.
struct RingSide {
  explicit RingSide(const std::string& path)
      : lock(lock_ring(path)), mapping(path), reader(mapping.view()) {}
  ring::Header& header() const noexcept { return *mapping.view().header; }

  base::UniqueFd lock;
  ring::Mapping mapping;
  ring::Reader reader;
};

}  // namespace

struct Drain::Inside {
  Inside(const std::string& ring_path, const std::string& prefix, base::Files& files,
         const base::Clock& clock_)
      : clock(clock_),
        ring(ring_path.empty() || ring_path == "none" ? nullptr
                                                      : std::make_unique<RingSide>(ring_path)),
        journal(prefix, files),
        spill(prefix, files),
        segment(prefix, files,
                ring ? SegmentWriter::Writers::alone : SegmentWriter::Writers::shared),
        batch(kBatchBytes) {}

  void settle();
  std::size_t move_batch();
  void fill(UnixNanos now);
  std::size_t records_since(const Step& step) const noexcept;
  Step step_now() const;
  void look_for_spills(UnixNanos now);
  void finish();
  void declare();
  std::atomic<std::uint32_t>& futex() noexcept {
    return ring ? ring->header().futex.word : own_futex;
  }

  const base::Clock& clock;
  std::unique_ptr<RingSide> ring;  // none: only spills are taken in
  Journal journal;
  SpillIntake spill;
  SegmentWriter segment;
  ring::Batch batch;
  bool must_settle = true;  // a pass failed half-way: start over from what is committed
  bool has_moved = false;   // something since the last wait()
  bool has_unripe = false;  // the last pass left something for a little later
  std::atomic<bool> is_woken{false};
  std::atomic<std::uint32_t> own_futex{0};

  UnixNanos horizon{};  // all that was spilled before it is in a file that we have open
  std::exception_ptr spill_failure;

  mutable std::mutex mutex;  // of the two below
  Pointer declared;
  DrainCounters counters;
};

namespace {

/// Positions of another ring say nothing of this one, which then starts at its own heads.
void resume(RingSide& side, const Step& done) {
  const auto& view = side.mapping.view();
  const ring::Tally tally{done.drained, done.abandoned, done.corrupt};
  auto positions = side.reader.heads();
  if (done.ring_epoch == view.epoch) {
    positions.assign(done.positions, done.positions + view.shard_count);
  }
  side.reader.go_to(positions, tally);
  side.reader.publish();
}

}  // namespace

// Makes journal, log, ring and spill agree after a kill or a failed write. Idempotent: a kill in
// the middle of it changes nothing.
void Drain::Inside::settle() {
  if (journal.is_pending()) {
    if (segment.settle(journal.pending())) {
      journal.commit();
    } else {
      journal.take_back();
    }
  }
  segment.find_end(clock.now());
  if (ring) resume(*ring, journal.done());
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
  const auto& tally = ring->reader.tally();
  step.ring_epoch = ring->mapping.view().epoch;
  std::copy(ring->reader.positions().begin(), ring->reader.positions().end(), step.positions);
  step.drained = tally.taken;
  step.abandoned = tally.abandoned;
  step.corrupt = tally.corrupt;
  return step;
}

// Merges ring and spill by time into the batch. Of a frame and a spilled record of one time the
// frame goes first.
void Drain::Inside::fill(UnixNanos now) {
  if (ring) ring->reader.begin(now);
  const auto most = ring ? kBatchBytes : 1;  // shared with other writers: one record a batch
  while (batch.bytes().size() < most) {
    const auto* spilled = spill.front();
    // A time from afar, as in the ring, is damage or a clock put back: it holds nothing up.
    const bool is_from_afar = spilled != nullptr && spilled->at > now + kFromAfar;
    const auto bound =
        spilled == nullptr || is_from_afar ? horizon : std::min(horizon, spilled->at);
    if (ring) ring->reader.take(bound, batch);
    if (spilled == nullptr || !batch.has_room(spilled->line.size())) return;
    const auto ripe_until = ring ? ring->reader.ripe_until() : now;
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
    if (!batch.bytes().empty()) {
      segment.rotate(now);
      segment.plan(batch.bytes(), step);
    }
    journal.prepare(step);
    segment.append(batch.bytes());
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
  if (ring) ring->reader.publish();
  declare();
  spill.remove_finished();
}

Drain::Drain(const std::string& ring_path, const std::string& prefix, base::Files& files,
             const base::Clock& clock)
    : inside_(std::make_unique<Inside>(ring_path, prefix, files, clock)) {}

Drain::~Drain() = default;

void Drain::recover() { inside_->settle(); }

std::size_t Drain::pass() {
  auto& in = *inside_;
  if (in.must_settle) in.settle();
  in.must_settle = true;
  std::size_t total = 0;
  for (int i = 0; i < kMostBatches; ++i) {
    const auto moved = in.move_batch();
    total += moved;
    if (moved == 0) break;
  }
  if (in.spill_failure) std::rethrow_exception(std::exchange(in.spill_failure, nullptr));
  in.must_settle = false;
  in.has_moved = in.has_moved || total > 0;
  in.has_unripe = (in.ring && in.ring->reader.has_unripe()) || in.spill.front() != nullptr;
  return total;
}

std::optional<Pointer> Drain::declared() const {
  if (!inside_->ring) return std::nullopt;
  const std::lock_guard lock(inside_->mutex);
  return inside_->declared;
}

void Drain::wait(std::chrono::milliseconds timeout) {
  using Until = ring::Reader::Until;
  auto& in = *inside_;
  // A failed pass is tried again after a while: writers who find the ring full must not hurry it.
  auto& futex = in.must_settle ? in.own_futex : in.futex();
  // acquire: pairs with notify(); a wake() after this line ends the sleep below.
  const auto seen = futex.load(std::memory_order_acquire);
  // acq_rel: pairs with the release in wake().
  if (in.is_woken.exchange(false, std::memory_order_acq_rel)) return;
  const bool has_moved = std::exchange(in.has_moved, false);
  if (in.must_settle) return ring::sleep_on(futex, seen, std::min(timeout, kRetry));
  if (in.has_unripe) return ring::sleep_on(futex, seen, std::min(timeout, kRipening));
  const auto most = has_moved ? std::min(timeout, kTick) : timeout;
  if (!in.ring) return ring::sleep_on(futex, seen, most);
  in.ring->reader.sleep(has_moved ? Until::quarter_full : Until::any_frame, seen, most);
}

void Drain::wake() noexcept {
  inside_->is_woken.store(true, std::memory_order_release);  // pairs with wait()
  ring::notify(inside_->own_futex);
  if (inside_->ring) ring::notify(inside_->futex());
}

DrainCounters Drain::counters() const {
  std::unique_lock lock(inside_->mutex);
  auto counters = inside_->counters;
  lock.unlock();
  if (!inside_->ring) return counters;
  // relaxed: tallies.
  const auto& header = inside_->ring->header();
  counters.dropped_records = header.dropped.word.load(std::memory_order_relaxed);
  counters.full_ring_records = header.full.word.load(std::memory_order_relaxed);
  return counters;
}

}  // namespace manhattan::log
