// SPDX-License-Identifier: MIT
#include "backend/worker.h"

#include <algorithm>
#include <chrono>

#include "backend/pixel_alarm.h"
#include "record/text_codec.h"

namespace manhattan::backend {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// A flush costs what the visitors and counters in it cost, however often each has changed, and the
// pages that it writes are mostly the same for many new visitors as for few: made every second it
// took three times as much from the web requests. So under load it waits until somebody asks.
constexpr auto kQuiet = 150ms;  // longer than the drain pauses under load
constexpr auto kMostUnflushed = 30s;
// The log itself is made durable at least so often.
constexpr auto kMostUnsynced = 1s;
constexpr auto kLongestQuestion = 1s;
// While catching up, at work without a rest, memory fills faster; but a flush may wait until it
// takes a tenth of the time.
constexpr auto kMostCatchingUp = 1s;
constexpr int kMostFlushing = 10;
constexpr auto kIdle = 60s;
// After a stop: what is read then is to be committed in the same second.
constexpr auto kMostAfterStop = 100ms;
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 5000ms;

std::optional<UnixNanos> time_of_first(std::string_view lines) {
  std::string storage;
  Record record;
  const auto verdict = record::decode(lines.substr(0, lines.find('\n')), storage, record);
  return verdict == record::Verdict::ok ? std::optional(record.at) : std::nullopt;
}

}  // namespace

Worker::Worker(Backend::Options options, base::Files& files, std::string prefix,
               log::Tailer::Declared declared, base::MessageLog& messages)
    : pulse_(options.pulse != nullptr ? *options.pulse : unseen_pulse_),
      options_(std::move(options)),
      files_(files),
      prefix_(std::move(prefix)),
      declared_(std::move(declared)),
      messages_(messages),
      watch_({base::folder_of(prefix_)}) {
  options_.pulse = &pulse_;
}

void Worker::stop() noexcept {
  is_stopping_ = true;
  watch_.wake();
}

void Worker::freshen() {
  freshness_.ask(kLongestQuestion, [this] { watch_.wake(); });
}

void Worker::run_once() {
  follow(Until::end_of_log);
  if (is_stopping_) throw base::Interrupted();
}

void Worker::run() {
  auto pause = kFirstPause;
  while (true) {
    const auto flushes = live_.flushes.load();
    pulse_.beat();
    try {
      follow(Until::stopped);
      return;
    } catch (const store::StoreError& error) {
      if (error.retry == store::StoreError::Retry::no && !has_opened_) throw;
      report_failure(error.what());
    } catch (const ConfigError& error) {
      if (!has_opened_) throw;
      report_failure(error.what());
    } catch (const base::Interrupted&) {
      messages_.warning("stopped before all was committed: it is counted again at the next start");
      return;
    }
    if (is_stopping_) return;  // the log keeps what the store did not take
    if (live_.flushes != flushes) pause = kFirstPause;
    pulse_.rest();
    for (const auto end = steady_clock::now() + pause;
         steady_clock::now() < end && !is_stopping_;) {
      watch_.wait(std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()));
    }
    pause = std::min(2 * pause, kLongestPause);
  }
}

// The same fault again and again is one line, not one for each try.
void Worker::report_failure(const std::string& what) {
  ++live_.store_failures;
  if (what != last_failure_) messages_.error(what + "; records wait in the log");
  last_failure_ = what;
}

void Worker::follow(Until until) {
  Backend backend(options_, messages_);
  has_opened_ = true;
  freshness_.note_commit();
  cache_misses_ = 0;
  left_bytes_ = 0;
  report_start(backend);
  log::Tailer tailer(files_, prefix_, backend.segments(), declared_,
                     [this](const std::string& what) { messages_.warning_once(what); });
  while (until == Until::stopped && !is_stopping_) step_or_wait(backend, tailer);
  tailer.rescan();
  std::optional<steady_clock::time_point> stopped_at;
  do {
    if (is_stopping_ && !stopped_at) stopped_at = steady_clock::now();
    if (stopped_at && steady_clock::now() - *stopped_at > kMostAfterStop) break;
  } while (step(backend, tailer));
  flush(backend, tailer);
}

void Worker::report_start(const Backend& backend) {
  const auto& pointer = backend.pointer();
  messages_.info("counting " + prefix_ + " from " + (pointer.empty() ? "its beginning" : pointer));
  const auto colon = pointer.rfind(':');
  if (colon == std::string::npos || log::stored_path(pointer.substr(0, colon))) return;
  messages_.warning("'" + pointer.substr(0, colon) +
                    "', counted last, is gone; counting goes on after it");
}

void Worker::step_or_wait(Backend& backend, log::Tailer& tailer) {
  if (!step(backend, tailer)) {
    wait(backend, tailer);
  } else if (freshness_.age_at_work() >= most_catching_up_) {
    flush(backend, tailer);
  }
}

bool Worker::step(Backend& backend, log::Tailer& tailer) {
  pulse_.beat();
  const auto start = steady_clock::now();
  const auto before = backend.unflushed_records();
  const auto batch = tailer.next(options_.flush_every_records - before);
  if (!batch) return false;
  backend.handle(*batch);
  freshness_.note_read(start);
  const auto records = backend.unflushed_records() - before;
  note_handled(backend, *batch, records);
  if (observer_)
    report_step({batch->lines.size() + batch->skipped_bytes, records, time_of_first(batch->lines),
                 0, steady_clock::now() - start},
                tailer);
  if (backend.is_flush_due()) flush(backend, tailer);
  return true;
}

void Worker::wait(Backend& backend, log::Tailer& tailer) {
  live_.lag_bytes = static_cast<std::int64_t>(tailer.lag_bytes());
  pulse_.rest();
  const auto changes = watch_.wait(backend.has_unflushed() ? kQuiet : kIdle);
  pulse_.beat();
  freshness_.note_rest();
  if (!changes.is_complete) tailer.rescan();
  const auto folder = prefix_.substr(0, prefix_.size() - base::name_of(prefix_).size());
  for (const auto& name : changes.names) tailer.touch(folder + name);
  const bool is_quiet = changes.names.empty() && changes.is_complete && !changes.is_woken;
  if (is_quiet || freshness_.is_asked_for() || freshness_.age() >= kMostUnflushed) {
    flush(backend, tailer);
  } else if (steady_clock::now() - synced_at_ >= kMostUnsynced) {
    sync(tailer);
  }
}

void Worker::sync(log::Tailer& tailer) {
  tailer.sync();
  synced_at_ = steady_clock::now();
}

void Worker::flush(Backend& backend, log::Tailer& tailer) {
  if (!backend.has_unflushed()) return;
  const auto start = steady_clock::now();
  sync(tailer);
  backend.flush();
  const auto took = steady_clock::now() - start;
  most_catching_up_ = std::max<steady_clock::duration>(kMostCatchingUp, kMostFlushing * took);
  note_flush(took);
  live_.lag_bytes = static_cast<std::int64_t>(tailer.lag_bytes());
  messages_.info("counted up to " + backend.pointer());
  look_for_pixels();
}

/// Says once where pages come and no pixel ever does.
void Worker::look_for_pixels() {
  if (!is_watching_pixels_) return;
  const auto tallies = options_.location.open_reader()->tallies();
  const auto pixels = pixels_of(tallies);
  if (pixels == Pixels::missing) messages_.warning(missing_pixel_text(tallies));
  is_watching_pixels_ = pixels == Pixels::too_few_pages;
}

void Worker::note_handled(const Backend& backend, const log::Batch& batch, std::int64_t records) {
  live_.handled_records += records;
  live_.cache_misses += backend.cache_misses() - cache_misses_;
  cache_misses_ = backend.cache_misses();
  live_.cached_visitors = backend.cached_visitors();
  if (live_.uncommitted_since_ns != 0) return;
  if (const auto at = time_of_first(batch.lines)) {
    live_.uncommitted_since_ns = at->time_since_epoch().count();
  }
}

void Worker::report_step(Step step, log::Tailer& tailer) {
  // Looking at all segments takes time where there are thousands: only when none should be left.
  left_bytes_ = left_bytes_ > step.bytes ? left_bytes_ - step.bytes : tailer.lag_bytes();
  step.left_bytes = left_bytes_;
  observer_(step);
}

void Worker::note_flush(steady_clock::duration took) {
  const std::int64_t us = took / 1us;
  live_.flush_last_us = us;
  live_.flush_max_us = std::max(live_.flush_max_us.load(), us);
  live_.flush_total_us += us;
  ++live_.flushes;
  if (!last_failure_.empty()) messages_.warning("the store takes records again");
  last_failure_.clear();
  live_.uncommitted_since_ns = 0;
  freshness_.note_commit();
}

std::map<std::string, std::int64_t> Worker::live_tallies() const {
  return {
      {"worker_records", live_.handled_records},
      {"worker_lag_bytes", live_.lag_bytes},
      {"worker_cache_misses", live_.cache_misses},
      {"worker_cache_hits", std::max<std::int64_t>(0, live_.handled_records - live_.cache_misses)},
      {"worker_cached_visitors", live_.cached_visitors},
      {"worker_flushes", live_.flushes},
      {"worker_flush_last_us", live_.flush_last_us},
      {"worker_flush_max_us", live_.flush_max_us},
      {"worker_flush_total_us", live_.flush_total_us},
      {"worker_store_failures", live_.store_failures}};
}

std::optional<UnixNanos> Worker::uncommitted_since() const noexcept {
  const auto since = live_.uncommitted_since_ns.load();
  if (since == 0) return std::nullopt;
  return UnixNanos(std::chrono::nanoseconds(since));
}

}  // namespace manhattan::backend
