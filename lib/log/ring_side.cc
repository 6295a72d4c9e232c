// SPDX-License-Identifier: MIT
#include "log/ring_side.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "ring/bus_guard.h"
#include "ring/futex.h"

namespace manhattan::log {
namespace {

base::UniqueFd lock_ring(const std::string& path) {
  auto fd = ring::open_ring(path, O_RDWR);
  if (!fd) throw ConfigError("no ring at '" + path + "'");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) throw IoError("lock", path, last_error());
  throw ConfigError("ring '" + path + "' is already drained by another process");
}

}  // namespace

RingSide::RingSide(const std::string& path)
    : lock_(lock_ring(path)), mapping_(path), reader_(mapping_.view()) {
  ring::catch_bus_errors();
}

void RingSide::touch(const std::function<void()>& body) const {
  if (!ring::survives(mapping_.memory(), body)) throw RingCut();
}

bool RingSide::is_sound() const {
  bool is_retired = false;
  touch([&] {
    // relaxed: nobody but us may set it.
    is_retired = mapping_.view().header->retired.word.load(std::memory_order_relaxed) != 0;
  });
  return mapping_.is_sound() && (!is_retired || is_retired_);
}

void RingSide::resume(const Step& done) {
  const auto& view = mapping_.view();
  std::vector<std::uint64_t> positions(done.positions, done.positions + view.shard_count);
  touch([&] {
    if (done.ring_epoch != view.epoch) positions = reader_.heads();
  });
  reader_.go_to(positions, {done.drained, done.abandoned, done.corrupt});
  publish();
}

void RingSide::take(UnixNanos bound, ring::Batch& batch) {
  touch([&] { reader_.take(bound, batch); });
}

void RingSide::publish() {
  touch([&] { reader_.publish(); });
}

void RingSide::retire(UnixNanos now) {
  is_retired_ = true;
  retired_at_ = now;
  // relaxed: a hint to writers; what they still write here is drained.
  touch([&] { mapping_.view().header->retired.word.store(1, std::memory_order_relaxed); });
}

std::uint32_t RingSide::wakes() const {
  std::uint32_t seen = 0;
  // acquire: pairs with notify(); a wake after this ends the sleep.
  touch([&] { seen = mapping_.view().header->futex.word.load(std::memory_order_acquire); });
  return seen;
}

void RingSide::sleep(ring::Reader::Until until, std::uint32_t seen,
                     std::chrono::nanoseconds timeout, const ring::Seen& other) {
  touch([&] { reader_.sleep(until, seen, timeout, &other); });
}

void RingSide::nap(std::uint32_t seen, std::chrono::nanoseconds timeout) const {
  touch([&] { ring::sleep_on(mapping_.view().header->futex.word, seen, timeout); });
}

void RingSide::wake() const {
  touch([&] { ring::notify(mapping_.view().header->futex.word); });
}

RingSide::Tallies RingSide::tallies() const {
  const auto& view = mapping_.view();
  Tallies tallies;
  tallies.cells = view.shard_count * view.shard_cells();
  touch([&] {
    // relaxed, all of them: tallies and hints.
    tallies.dropped = view.header->dropped.word.load(std::memory_order_relaxed);
    tallies.full = view.header->full.word.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < view.shard_count; ++i) {
      const auto head = view.shards[i].head.word.load(std::memory_order_relaxed);
      const auto tail = view.shards[i].tail.word.load(std::memory_order_relaxed);
      const auto used = std::max<std::int64_t>(static_cast<std::int64_t>(tail - head), 0);
      tallies.used_cells += std::min(static_cast<std::uint64_t>(used), view.shard_cells());
    }
  });
  return tallies;
}

}  // namespace manhattan::log
