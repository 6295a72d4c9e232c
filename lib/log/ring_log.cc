// SPDX-License-Identifier: MIT
#include "log/ring_log.h"

#include <algorithm>
#include <exception>
#include <optional>

#include "log/spill.h"
#include "ring/bus_guard.h"
#include "ring/futex.h"
#include "ring/ring_file.h"
#include "ring/writer.h"

namespace manhattan {
namespace {

// How often to look whether the ring is another by now, or there at last. The requests bound it
// where their times stand still; a look costs half a microsecond.
constexpr std::int64_t kLookEveryNs = 250'000'000;
constexpr int kLookEveryRecords = 256;

}  // namespace

struct RingLog::Inside {
  enum class Way { none, ring, spill };
  struct Attached {
    explicit Attached(const std::string& path) : mapping(path), writer(mapping.view()) {}
    ring::Mapping mapping;
    ring::Writer writer;
  };

  Inside(std::string path_, std::string prefix, base::Files& files) : path(std::move(path_)) {
    if (!prefix.empty()) spill.emplace(std::move(prefix), files);
  }

  bool is_time_to_look(std::int64_t at_ns) noexcept {
    if (++records_since_look < kLookEveryRecords && at_ns - looked_at_ns < kLookEveryNs &&
        at_ns >= looked_at_ns) {
      return false;
    }
    records_since_look = 0;
    looked_at_ns = at_ns;
    return true;
  }

  void look_for_ring() noexcept {
    if (attached && attached->mapping.is_current(path) && attached->mapping.is_sound()) return;
    attach();
  }

  void attach() noexcept {
    try {
      attached = std::make_unique<Attached>(path);
    } catch (const std::exception&) {
      attached.reset();  // no ring, or none for us: spill, and look again later
    }
  }

  /// Records of one writer keep their order though some went by the ring and some by the spill:
  /// the drain merges the two by time, so the time grows where the way changes.
  std::int64_t time_for(Way way, std::int64_t at_ns) noexcept {
    if (last_way != Way::none && way != last_way) at_ns = std::max(at_ns, last_ns + 1);
    return at_ns;
  }
  void went(Way way, std::int64_t at_ns) noexcept {
    last_way = way;
    last_ns = std::max(last_ns, at_ns);
  }

  /// Touches the ring; where it has been cut short meanwhile it is left, and this is false.
  template <class Body>
  bool on_ring(const Body& body) noexcept {
    if (!attached) return false;
    if (ring::survives(attached->mapping.memory(), body)) return true;
    attached.reset();
    return false;
  }

  enum class Outcome { written, refused, retired };
  Outcome try_write(std::int64_t way_ns, std::string_view line) noexcept {
    auto outcome = Outcome::refused;
    (void)!on_ring([&] {
      // relaxed: a hint; what was written meanwhile is drained from the old ring.
      if (attached->mapping.view().header->retired.word.load(std::memory_order_relaxed) != 0) {
        outcome = Outcome::retired;
        return;
      }
      const UnixNanos at{std::chrono::nanoseconds(way_ns)};
      if (attached->writer.append(0, at, line) == ring::Write::written) outcome = Outcome::written;
    });
    return outcome;
  }

  bool write(std::int64_t at_ns, std::string_view line) noexcept {
    const auto way_ns = time_for(Way::ring, at_ns);
    auto outcome = try_write(way_ns, line);
    if (outcome == Outcome::retired) {
      attach();
      outcome = try_write(way_ns, line);
    }
    if (outcome != Outcome::written) return false;
    went(Way::ring, way_ns);
    return true;
  }

  bool write_spill(std::int64_t at_ns, std::string_view line) noexcept {
    if (!spill) return false;
    const auto way_ns = time_for(Way::spill, at_ns);
    try {
      spill->append(UnixNanos(std::chrono::nanoseconds(way_ns)), line);
    } catch (const std::exception&) {
      return false;  // the border: all that is left to do is to count
    }
    went(Way::spill, way_ns);
    (void)!on_ring([&] { ring::notify(attached->mapping.view().header->futex.word); });
    return true;
  }

  void count_drops() noexcept {
    if (uncounted_drops == 0) return;
    const auto count = [&] {
      // relaxed: a tally.
      attached->mapping.view().header->dropped.word.fetch_add(uncounted_drops,
                                                              std::memory_order_relaxed);
    };
    if (on_ring(count)) uncounted_drops = 0;
  }

  std::string path;
  std::optional<log::SpillWriter> spill;
  std::unique_ptr<Attached> attached;
  int records_since_look = kLookEveryRecords;  // the first append looks
  std::int64_t looked_at_ns = 0;
  Way last_way = Way::none;
  std::int64_t last_ns = 0;
  std::uint64_t uncounted_drops = 0;
};

RingLog::RingLog(std::string ring_path, std::string prefix, base::Files& files)
    : inside_(std::make_unique<Inside>(std::move(ring_path), std::move(prefix), files)) {}
RingLog::~RingLog() = default;
RingLog::RingLog(RingLog&&) noexcept = default;

void RingLog::prefetch() noexcept {
  if (inside_->attached) inside_->attached->writer.prefetch();
}

Append RingLog::append(UnixNanos at, std::string_view line) noexcept {
  const auto at_ns = at.time_since_epoch().count();
  auto& in = *inside_;
  if (in.is_time_to_look(at_ns)) in.look_for_ring();
  auto became = Append::written;
  if (!in.write(at_ns, line)) {
    became = in.write_spill(at_ns, line) ? Append::spilled : Append::dropped;
    if (became == Append::dropped) ++in.uncounted_drops;
  }
  in.count_drops();
  return became;
}

void RingLog::survive_cut_rings() noexcept { ring::catch_bus_errors(); }

std::uint64_t RingLog::uncounted_drops() const noexcept { return inside_->uncounted_drops; }

}  // namespace manhattan
