// SPDX-License-Identifier: MIT
#include "bin/observe.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "bin/replay_print.h"
#include "record/text_codec.h"
#include "ring/bus_guard.h"
#include "ring/cursor.h"
#include "ring/ring_file.h"

namespace manhattan::program {
namespace {

// Of frames that are sorted by time before they are printed: what a drain moves at once is less.
constexpr std::size_t kMostFrames = 4096;
// Wake-ups come from the server. Without one, and for a ring that was replaced, we look ourselves.
constexpr std::chrono::seconds kLookEvery{1};

// The one thing that a signal's handler may touch.
std::atomic<bool> is_over{false};
static_assert(std::atomic<bool>::is_always_lock_free);

/// SIGINT and SIGTERM interrupt a sleep and a write that blocks.
void end_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { is_over.store(true, std::memory_order_relaxed); };
  for (const int signal : {SIGINT, SIGTERM}) {
    if (::sigaction(signal, &action, nullptr) != 0) throw IoError("watch", "signals", last_error());
  }
}

void write_out(std::string_view text) {
  while (!text.empty() && !is_over) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) throw IoError("write", "standard output", last_error());
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// A ring that is being watched.
class Watched {
 public:
  Watched(const std::string& path, ring::Cursor::From from)
      : mapping_(path, ring::Mapping::Access::read_only), cursor_(mapping_.view(), from) {
    ring::catch_bus_errors();
  }

  bool is_current(const std::string& path) const { return mapping_.is_current(path); }

  /// Collects what has come, in the order of its times, as far as it was there. False: the ring was
  /// cut short, and is of no use any more.
  bool collect() {
    count_ = 0;
    missed_ = 0;
    frames_.resize(kMostFrames);
    return ring::survives(mapping_.memory(), [this] { collect_unguarded(); });
  }
  std::vector<ring::Observed>& frames() {
    frames_.resize(count_);
    std::stable_sort(frames_.begin(), frames_.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    return frames_;
  }
  std::uint64_t missed() const noexcept { return missed_; }

  /// Until the server has moved something since collect() began.
  bool sleep() {
    return ring::survives(mapping_.memory(), [this] { cursor_.sleep(seen_, kLookEvery); });
  }

 private:
  void collect_unguarded() {
    using Next = ring::Cursor::Next;
    seen_ = cursor_.moves();
    while (count_ < kMostFrames) {
      const auto next = cursor_.next(frames_[count_]);
      if (next == Next::nothing) return;
      if (next == Next::frame) ++count_;
      if (next == Next::overrun) missed_ += cursor_.most_missed();
    }
  }

  ring::Mapping mapping_;
  ring::Cursor cursor_;
  std::uint32_t seen_ = 0;
  std::size_t count_ = 0;
  std::uint64_t missed_ = 0;
  std::vector<ring::Observed> frames_;
};

class Observer {
 public:
  Observer(const ObserveOptions& options, base::MessageLog& messages)
      : options_(options), messages_(messages) {
    watched_ = std::make_unique<Watched>(options.ring, ring::Cursor::From::now);
  }

  void run() {
    while (!is_over) {
      if (!watched_) {
        attach();
      } else if (!watched_->collect() || !use()) {
        leave("was cut short");
      }
    }
  }

 private:
  /// Prints what was collected; where there was nothing, waits. False: the ring was cut short.
  bool use() {
    if (watched_->missed() > 0) {
      messages_.warning("overrun: up to " + std::to_string(watched_->missed()) + " records missed");
    }
    const auto& frames = watched_->frames();
    for (const auto& frame : frames) append(frame.payload);
    write_out(text_);
    text_.clear();
    if (!frames.empty()) return true;
    if (!watched_->is_current(options_.ring)) {
      leave("is there no more");
      return true;
    }
    return watched_->sleep();
  }

  void append(const std::string& line) {
    Record record;
    const auto verdict = record::decode(line, scratch_, record);
    if (verdict != record::Verdict::ok) {
      messages_.warning("no record: " + std::string(record::reason_of(verdict)));
    } else if (options_.filter.passes(record)) {
      append_record(options_.format, record, line, text_);
    }
  }

  void leave(const std::string& why) {
    messages_.warning("ring '" + options_.ring + "' " + why + "; waiting for another");
    watched_.reset();
  }

  /// All that is in a ring which was not there a moment ago is new.
  void attach() {
    try {
      watched_ = std::make_unique<Watched>(options_.ring, ring::Cursor::From::oldest);
      messages_.warning("watching the ring that has taken its place");
    } catch (const Error&) {
      const timespec nap{kLookEvery.count(), 0};
      ::nanosleep(&nap, nullptr);
    }
  }

  const ObserveOptions& options_;
  base::MessageLog& messages_;
  std::unique_ptr<Watched> watched_;
  std::string text_, scratch_;
};

}  // namespace

void observe(const ObserveOptions& options, base::MessageLog& messages) {
  end_on_signals();
  end_quietly_without_reader();
  Observer(options, messages).run();
}

}  // namespace manhattan::program
