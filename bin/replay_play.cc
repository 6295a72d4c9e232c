// SPDX-License-Identifier: MIT
#include "bin/replay_play.h"

#include <chrono>

#include "base/clock.h"
#include "bin/interrupts.h"
#include "bin/replay_records.h"
#include "ring/bus_guard.h"
#include "ring/ring_file.h"
#include "ring/writer.h"

namespace manhattan::program {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kNapWhenFull = 1ms;
// A server that drains is done with a full ring long before that.
constexpr int kNapsBetweenLooks = 1000;
constexpr int kLookForInterruptEvery = 1024;

/// When each record is due.
class Pace {
 public:
  Pace(int speed, Interrupts& interrupts) : speed_(speed), interrupts_(interrupts) {}

  void wait_for(UnixNanos at) {
    if (speed_ == 0) return;
    if (!first_at_) first_at_ = at;
    const auto due = start_ + (at - *first_at_) / speed_;
    const auto now = steady_clock::now();
    if (due > now) interrupts_.sleep(due - now);
  }

 private:
  const int speed_;
  Interrupts& interrupts_;
  const steady_clock::time_point start_ = steady_clock::now();
  std::optional<UnixNanos> first_at_;
};

class Player {
 public:
  Player(const std::string& path, Interrupts& interrupts)
      : path_(path), interrupts_(interrupts), mapping_(path), writer_(mapping_.view()) {
    ring::catch_bus_errors();
  }

  /// False: interrupted.
  bool append(std::string_view line) {
    for (int naps = 1;; ++naps) {
      // The ring orders by this time. A record's own may be long ago and need not grow.
      switch (write(line)) {
        case ring::Write::written:
          return true;
        case ring::Write::too_long:
          ++too_long_;
          return true;
        case ring::Write::damaged:
          throw DamageError("ring '" + path_ + "' is damaged");
        case ring::Write::full:
        case ring::Write::lost:  // taken for dead by the server: not in, so once more
          interrupts_.sleep(kNapWhenFull);
      }
      if (interrupts_.is_pending()) return false;
      if (naps % kNapsBetweenLooks == 0 && !mapping_.is_current(path_))
        throw Error("ring '" + path_ + "' was replaced");
    }
  }
  std::uint64_t too_long() const noexcept { return too_long_; }

 private:
  ring::Write write(std::string_view line) {
    auto became = ring::Write::damaged;
    const auto append = [&] { became = writer_.append(0, base::SystemClock().now(), line); };
    if (!ring::survives(mapping_.memory(), append)) {
      throw Error("ring '" + path_ + "' was cut short");
    }
    return became;
  }

  const std::string& path_;
  Interrupts& interrupts_;
  ring::Mapping mapping_;
  ring::Writer writer_;
  std::uint64_t too_long_ = 0;
};

}  // namespace

void play(base::Files& files, const ReplayOptions& options, base::MessageLog& messages) {
  Interrupts interrupts("manhattan-replay: interrupted", kFailed);
  ReplayInput input(files, options, {}, messages);
  Player player(options.ring, interrupts);
  Progress progress(input.total_bytes());
  RecordReader reader(input, options.filter, progress);
  Pace pace(options.speed, interrupts);
  bool is_interrupted = false;
  reader.read([&](const Record& record, std::string_view line) {
    pace.wait_for(record.at);
    const bool is_time_to_look = options.speed > 0 || reader.used() % kLookForInterruptEvery == 0;
    is_interrupted = (is_time_to_look && interrupts.is_pending()) || !player.append(line);
    return !is_interrupted;
  });
  progress.clear();
  if (const auto skipped = reader.skipped(); !skipped.empty()) messages.warning(skipped);
  if (player.too_long() > 0)
    messages.warning(std::to_string(player.too_long()) + " records are too long for a ring");
  const auto done = std::to_string(reader.used() - player.too_long()) + " records into the ring";
  if (is_interrupted) throw Error("interrupted after " + done);
  messages.info("wrote " + done);
}

}  // namespace manhattan::program
