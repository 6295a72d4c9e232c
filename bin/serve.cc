// SPDX-License-Identifier: MIT
#include "bin/serve.h"

#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <chrono>

#include "log/drain_alarm.h"
#include "ring/layout.h"
#include "ring/ring_file.h"
#include "store/schema.h"

namespace manhattan::program {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrainNap = 1h;  // ring or alarm end it
constexpr auto kKeepRetry = 60s;
constexpr int kKeepNice = 15;

base::MessageLog::Level level_of(const ServerOptions& options) {
  return options.is_verbose ? base::MessageLog::Level::info : base::MessageLog::Level::warning;
}

/// A line that is drawn again and again does not mix with messages at the same terminal.
CatchingUp::Bar bar_of(const ServerOptions& options) {
  const bool is_free = !options.is_verbose || !options.message_file.empty();
  return options.is_once && is_free ? CatchingUp::Bar::shown : CatchingUp::Bar::hidden;
}

Backend::Options shown_by(base::Pulse& pulse, Backend::Options options) {
  options.pulse = &pulse;
  return options;
}

/// The ring must be there before a Drain opens it.
const std::string& made_ring(base::Files& files, const ServerOptions& options) {
  if (options.ring != "none") ring::ensure_ring(files, options.ring, options.ring_bytes);
  return options.ring;
}

}  // namespace

sigset_t handled_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  return signals;
}

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // refused: fewer clients at once, nothing else
}

Service::Service(const ServerOptions& options)
    : options_(options),
      messages_("manhattan-server", level_of(options), options.message_file),
      server_(bind()),
      drain_(made_ring(files_, options), options.prefix, files_, clock_,
             [this](const std::string& what) { messages_.warning_once(what); }),
      counted_files_(
          [this](const std::string& what) {
            has_met_damage_ = true;
            messages_.error(what);
          },
          &count_pulse_),
      worker_(
          shown_by(count_pulse_, options.backend), counted_files_, options.prefix,
          [this] { return drain_.declared(); }, messages_),
      catching_up_(messages_, clock_, bar_of(options)),
      keeper_(
          options.prefix, options.keeping, files_,
          [this] { return options_.backend.location.open_reader()->segments(); }, messages_) {
  if (options_.is_anonymized) drain_.anonymize();
  drain_.recover();
  if (options_.is_once || options_.is_verbose)
    worker_.observe([this](const auto& step) { catching_up_.note(step); });
}

Service::~Service() = default;

bool Service::run_once() {
  while (drain_.pass() > 0) {
  }
  worker_.run_once();
  keeper_.pass(clock_.now(), drain_.declared());
  return !has_met_damage_;
}

void Service::run() {
  open_store();
  for (auto* answers : {&answers_, &lengthy_answers_})
    *answers = std::make_unique<backend::Answers>(options_.backend.location.open_reader());
  running_server_ = server_.get();
  server_->start();
  const log::DrainAlarm alarm(drain_, options_.ring, options_.prefix);
  auto drainer = guarded("drain", &Service::drain);
  auto counter = guarded("count", &Service::count);
  auto keeper = guarded("keep", &Service::keep);
  sd_notify(0, "READY=1");
  wait_for_signals();
  sd_notify(0, "STOPPING=1");
  is_draining_ = false;
  drain_.wake();
  stop_keeping();
  keeper.join();
  drainer.join();
  // The worker's connection is the last: closing it leaves an SQLite store in one file.
  server_.reset();
  answers_.reset();
  lengthy_answers_.reset();
  worker_.stop();
  counter.join();
  if (fault_) std::rethrow_exception(fault_);
}

std::unique_ptr<query::Server> Service::bind() {
  if (options_.is_once) return nullptr;
  return std::make_unique<query::Server>(
      options_.endpoints, answering(answers_, answer_pulse_),
      query::Server::Lengthy{is_lengthy, answering(lengthy_answers_, lengthy_pulse_)});
}

query::Server::Handler Service::answering(const std::unique_ptr<backend::Answers>& answers,
                                          base::Pulse& pulse) {
  return [this, &answers, &pulse](const query::Request& request) {
    const base::Working working(pulse);
    worker_.freshen();
    return answer(*answers, request, [this] { return live_now(); });
  };
}

void Service::open_store() {
  try {
    options_.backend.location.open();
  } catch (const store::StoreError& error) {
    if (error.retry == store::StoreError::Retry::no) throw;
    messages_.error(std::string(error.what()) + "; records wait in the log");
  }
  const auto& location = options_.backend.location;
  if (!location.is_readable_by_all()) return;
  const auto& file = location.parts().database;
  messages_.warning("everybody can read '" + file +
                    "', which holds addresses; run: chmod o= " + file);
}

void Service::drain() {
  while (is_draining_) drain_pass();
  while (drain_.pass() > 0) {
  }
}

void Service::drain_pass() {
  drain_pulse_.beat();
  try {
    const bool has_moved = drain_.pass() > 0;
    if (has_drain_failed_) messages_.warning("the log can be written again");
    has_drain_failed_ = false;
    ring_fault_.clear();
    if (has_moved) worker_.wake();
  } catch (const IoError& error) {
    if (!has_drain_failed_)
      messages_.error(std::string(error.what()) + "; records wait in the ring");
    has_drain_failed_ = true;
  } catch (const log::RingError& error) {
    if (ring_fault_ != error.what()) messages_.error(error.what());
    ring_fault_ = error.what();
  }
  drain_pulse_.rest();
  drain_.wait(kDrainNap);
}

// Records come first. Not SCHED_IDLE: on a machine that never idles the log would never shrink.
void Service::keep() {
  if (options_.keeping.is_idle()) return;
  // Of this thread alone, on Linux; refused, it only is less kind.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kKeepNice);
  std::unique_lock lock(keeping_mutex_);
  while (is_keeping_) {
    lock.unlock();
    auto next = clock_.now() + kKeepRetry;
    try {
      next = keeper_.pass(clock_.now(), drain_.declared());
    } catch (const store::StoreError&) {
      // The worker has said it; what is counted can't be known now.
    } catch (const IoError& error) {
      messages_.warning(error.what());
    }
    lock.lock();
    keeping_ends_.wait_for(lock, next - clock_.now(), [this] { return !is_keeping_; });
  }
}

void Service::stop_keeping() {
  keeper_.stop();
  const std::lock_guard lock(keeping_mutex_);
  is_keeping_ = false;
  keeping_ends_.notify_all();
}

std::thread Service::guarded(const char* name, void (Service::*body)()) {
  return std::thread([this, name, body] {
    ::pthread_setname_np(::pthread_self(), name);  // for who looks at threads; it can't fail
    try {
      (this->*body)();
    } catch (...) {
      const std::lock_guard lock(fault_mutex_);
      if (!fault_) fault_ = std::current_exception();
      ::kill(::getpid(), SIGTERM);  // the main thread waits for nothing else
    }
  });
}

void Service::wait_for_signals() {
  const auto signals = handled_signals();
  Watchdog watchdog({{"draining", drain_pulse_},
                     {"counting", count_pulse_},
                     {"answering", answer_pulse_},
                     {"answering at length", lengthy_pulse_},
                     {"keeping old hours", keeper_.pulse()}},
                    messages_);
  for (;;) {
    const auto pause = watchdog.due_in();
    const int received = ::sigtimedwait(&signals, nullptr, &pause);
    if (received == SIGTERM || received == SIGINT) return;
    if (received == SIGHUP) messages_.reopen();
    watchdog.look();
  }
}

Live Service::live_now() const {
  Live live{.tallies = live_tallies()};
  for (const auto& rollup : options_.backend.rules.rollups) {
    live.rollups[rollup.name] = rollup.spec;
  }
  live.versions = {{"ring", std::to_string(ring::kVersion)},
                   {"store", std::to_string(store::kSchemaVersion)},
                   {"zeromq", query::library_version()}};
  return live;
}

std::map<std::string, std::int64_t> Service::live_tallies() const {
  auto tallies = worker_.live_tallies();
  tallies.merge(keeper_.tallies());
  if (running_server_ != nullptr) tallies.merge(running_server_->tallies());
  const auto drained = drain_.counters();
  const auto put = [&](const char* name, std::uint64_t count) {
    tallies[name] = static_cast<std::int64_t>(count);
  };
  put("drain_records", drained.drained_records);
  put("drain_taken_in", drained.taken_in_records);
  put("drain_abandoned", drained.abandoned_records);
  put("drain_corrupt", drained.corrupt_records);
  put("drain_torn_spills", drained.torn_spills);
  put("ring_dropped", drained.dropped_records);
  put("ring_full", drained.full_ring_records);
  put("ring_lost", drained.lost_rings);
  put("ring_bytes", drained.ring_bytes);
  put("ring_used_bytes", drained.ring_used_bytes);
  put("ring_behind_ms", static_cast<std::uint64_t>(drained.behind / 1ms));
  tallies["worker_behind_ms"] = 0;
  if (const auto since = worker_.uncommitted_since()) {
    tallies["worker_behind_ms"] = std::max<std::int64_t>(0, (clock_.now() - *since) / 1ms);
  }
  return tallies;
}

}  // namespace manhattan::program
