// SPDX-License-Identifier: MIT
#include "bin/serve.h"

#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <utility>

#include "log/drain_alarm.h"
#include "ring/layout.h"
#include "ring/ring_file.h"
#include "store/schema.h"

namespace manhattan::program {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrainNap = 1h;  // ring or alarm end it
constexpr std::chrono::seconds kKeepRetry = 60s;
constexpr std::chrono::seconds kKeepIdle = 24h;  // or until other rules come
constexpr int kKeepNice = 15;
// After a signal, of a second. What stays in the ring is drained at the next start; but the ring
// does not outlive the machine, so it comes first.
constexpr auto kMostDraining = 200ms;
constexpr auto kMostClosing = 80ms;

base::MessageLog::Level level_of(const ServerOptions& options) {
  return options.is_verbose ? base::MessageLog::Level::info : base::MessageLog::Level::notice;
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

std::map<std::string, std::string> rollups_of(const count::Rules& rules) {
  std::map<std::string, std::string> rollups;
  for (const auto& rollup : rules.rollups) rollups[rollup.name] = rollup.spec;
  return rollups;
}

/// The ring must be there before a Drain opens it.
const std::string& made_ring(base::Files& files, const ServerOptions& options,
                             base::MessageLog& messages) {
  if (options.ring != "none" && ring::ensure_ring(files, options.ring, options.ring_bytes)) {
    messages.warning("the header of ring '" + options.ring + "' was spoilt: it is '" +
                     options.ring + ".spoilt' now, and another has taken its place");
  }
  return options.ring;
}

}  // namespace

void print_what_would_be_deleted(const ServerOptions& options) {
  base::SystemFiles files;
  base::MessageLog messages("manhattan-server", level_of(options), options.message_file);
  auto rules = options.keeping;
  rules.dry_run = [](const std::string& path, const std::string& why) {
    std::printf("%s\t%s\n", path.c_str(), why.c_str());
  };
  log::Keeper keeper(
      options.prefix, rules, files,
      [&] { return options.backend.location.open_reader()->segments(); }, messages);
  keeper.pass(base::SystemClock().now(), std::nullopt, 0s);
}

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // refused: fewer clients at once, nothing else
}

Service::Service(const ServerOptions& options, Reloading reloading, Interrupts& interrupts)
    : options_(options),
      reloading_(std::move(reloading)),
      interrupts_(interrupts),
      messages_("manhattan-server", level_of(options), options.message_file),
      server_(bind()),
      drain_(made_ring(files_, options, messages_), options.prefix, files_, clock_,
             [this](const std::string& what) { messages_.warning_once(what); }),
      counted_files_(
          [this](const std::string& what) {
            has_met_damage_ = true;
            messages_.error(what);
          },
          &count_pulse_),
      catching_up_(messages_, clock_, bar_of(options)),
      worker_(make_worker(options.backend, options.is_verbose)),
      rollups_(rollups_of(options.backend.rules)),
      keeper_(
          options.prefix, options.keeping, files_,
          [location = options.backend.location] { return location.open_reader()->segments(); },
          messages_),
      keeping_rules_(options.keeping) {
  if (options_.is_anonymized) drain_.anonymize();
  drain_.recover();
}

Service::~Service() { interrupts_.call({}, {}); }

bool Service::run_once() {
  interrupts_.call([this] { worker()->stop(); }, [this] { worker()->give_up(); });
  while (!interrupts_.is_pending() && drain_.pass() > 0) {
  }
  worker_->run_once();
  keeper_.pass(clock_.now(), drain_.declared(), std::chrono::steady_clock::now() - started_at_);
  return !has_met_damage_;
}

void Service::run() {
  interrupts_.call({}, [this] { worker()->give_up(); });
  check_store();
  for (auto* answers : {&answers_, &lengthy_answers_})
    *answers = std::make_unique<backend::Answers>(options_.backend.location.open_reader());
  running_server_ = server_.get();
  server_->start();
  const log::DrainAlarm alarm(drain_, options_.ring, options_.prefix);
  auto drainer = guarded("drain", &Service::drain);
  auto counter = guarded("count", &Service::count);
  auto keeper = guarded("keep", &Service::keep);
  sd_notify(0, "READY=1");
  messages_.notice(started());
  wait_for_signals();
  sd_notify(0, "STOPPING=1");
  drain_.wake();
  stop_keeping();
  drainer.join();
  auto closing = std::async(std::launch::async, [this] {
    server_.reset();
    answers_.reset();
    lengthy_answers_.reset();
  });
  // The worker's connection is the last: closing it leaves an SQLite store in one file. But for the
  // sake of a long answer what was read does not go uncommitted.
  closing.wait_for(kMostClosing);
  {
    const std::lock_guard lock(worker_mutex_);
    next_worker_.reset();
    worker_->stop();
  }
  counter.join();
  closing.get();
  keeper.join();
  if (fault_) std::rethrow_exception(fault_);
}

std::unique_ptr<query::Server> Service::bind() {
  if (options_.is_once) return nullptr;
  return std::make_unique<query::Server>(
      options_.endpoints, answering(answers_, answer_pulse_),
      query::Server::Lengthy{is_lengthy, answering(lengthy_answers_, lengthy_pulse_), is_short});
}

query::Server::Handler Service::answering(const std::unique_ptr<backend::Answers>& answers,
                                          base::Pulse& pulse) {
  return [this, &answers, &pulse](const query::Request& request) {
    const base::Working working(pulse);
    worker()->freshen();
    return answer(*answers, request, [this] { return live_now(); });
  };
}

// A store that was counted otherwise, or can't be written, is refused while whoever starts us still
// waits to hear that we are ready. Starting us again would not help.
void Service::check_store() {
  try {
    Backend(options_.backend, messages_);
  } catch (const store::StoreError& error) {
    if (error.retry == store::StoreError::Retry::no) throw ConfigError(error.what());
    messages_.error(std::string(error.what()) + "; records wait in the log");
  }
  const auto& location = options_.backend.location;
  if (!location.is_readable_by_all()) return;
  const auto& file = location.parts().database;
  messages_.warning("everybody can read '" + file +
                    "', which holds addresses; run: chmod o= " + file);
}

std::shared_ptr<backend::Worker> Service::make_worker(const Backend::Options& options,
                                                      bool is_verbose) {
  auto made = std::make_shared<backend::Worker>(
      shown_by(count_pulse_, options), counted_files_, options_.prefix,
      [this] { return drain_.declared(); }, messages_);
  if (options_.is_once || is_verbose)
    made->observe([this](const auto& step) { catching_up_.note(step); });
  return made;
}

std::shared_ptr<backend::Worker> Service::worker() const {
  const std::lock_guard lock(worker_mutex_);
  return worker_;
}

/// One worker after the other: each counts all that is in the log when it is told to stop.
void Service::count() {
  for (auto present = worker(); present;) {
    present->run();
    const std::lock_guard lock(worker_mutex_);
    present = std::exchange(next_worker_, nullptr);
    if (present) worker_ = present;
  }
}

/// All of it or nothing: what can fail comes first, and is undone where something after it fails.
void Service::reload() {
  try {
    const auto values = reloading_.reread();
    auto fresh = server_options(values);
    // Where records come from and where they are counted stays, until a restart.
    fresh.backend.location = options_.backend.location;
    fresh.backend.log_prefix = options_.backend.log_prefix;
    fresh.backend.is_anonymized = options_.backend.is_anonymized;
    Backend::check_settings(fresh.backend.location.open_reader()->settings(), fresh.backend);
    auto next = make_worker(fresh.backend, fresh.is_verbose);
    messages_.reopen(fresh.message_file);
    try {
      if (fresh.endpoints != options_.endpoints) rebind(fresh.endpoints);
    } catch (const Error&) {
      messages_.reopen(options_.message_file);
      throw;
    }
    take_over(fresh, std::move(next));
    reloading_.note(values, messages_);
  } catch (const Error& error) {
    messages_.error("not reloaded, and all is as it was: " + std::string(error.what()));
  }
}

/// Clients find the way back to an endpoint that stays by themselves.
void Service::rebind(const std::vector<std::string>& endpoints) {
  const auto before = std::exchange(options_.endpoints, endpoints);
  server_.reset();
  std::exception_ptr failure;
  try {
    server_ = bind();
  } catch (const Error&) {
    failure = std::current_exception();
    options_.endpoints = before;
    server_ = bind();
  }
  running_server_ = server_.get();
  server_->start();
  if (failure) std::rethrow_exception(failure);
}

void Service::take_over(const ServerOptions& fresh, std::shared_ptr<backend::Worker> next) {
  options_.message_file = fresh.message_file;
  options_.is_verbose = fresh.is_verbose;
  options_.backend = fresh.backend;
  messages_.show_up_to(level_of(options_));
  {
    const std::lock_guard lock(keeping_mutex_);
    keeping_rules_ = fresh.keeping;
    ++keeping_version_;
  }
  keeping_changes_.notify_all();
  const std::lock_guard lock(worker_mutex_);
  rollups_ = rollups_of(fresh.backend.rules);
  next_worker_ = std::move(next);
  worker_->stop();
}

std::string Service::started() const {
  std::string endpoints;
  for (const auto& endpoint : options_.endpoints)
    endpoints += (endpoints.empty() ? "" : ", ") + endpoint;
  return MANHATTAN_VERSION " answers at " + endpoints + "; log '" + options_.prefix + "', store '" +
         options_.backend.location.to_string() + "', " +
         (options_.ring == "none" ? "no ring" : "ring '" + options_.ring + "'");
}

void Service::drain() {
  while (!interrupts_.is_pending()) drain_pass();
  while (!interrupts_.is_pending_for(kMostDraining) && drain_.pass() > 0) {
  }
}

void Service::drain_pass() {
  drain_pulse_.beat();
  try {
    const bool has_moved = drain_.pass() > 0;
    if (has_drain_failed_) messages_.warning("the log can be written again");
    has_drain_failed_ = false;
    ring_fault_.clear();
    if (has_moved) worker()->wake();
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
  // Of this thread alone, on Linux; refused, it only is less kind.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kKeepNice);
  std::unique_lock lock(keeping_mutex_);
  while (is_keeping_) {
    const auto version = keeping_version_;
    const auto rules = keeping_rules_;
    lock.unlock();
    auto next = clock_.now() + (rules.is_idle() ? kKeepIdle : kKeepRetry);
    try {
      keeper_.follow(rules);
      if (!rules.is_idle()) {
        next = keeper_.pass(clock_.now(), drain_.declared(),
                            std::chrono::steady_clock::now() - started_at_);
      }
    } catch (const store::StoreError&) {
      // The worker has said it; what is counted can't be known now.
    } catch (const Error& error) {
      messages_.warning(error.what());
    }
    lock.lock();
    keeping_changes_.wait_for(lock, next - clock_.now(),
                              [&] { return !is_keeping_ || keeping_version_ != version; });
  }
}

void Service::stop_keeping() {
  keeper_.stop();
  const std::lock_guard lock(keeping_mutex_);
  is_keeping_ = false;
  keeping_changes_.notify_all();
}

std::thread Service::guarded(const char* name, void (Service::*body)()) {
  return std::thread([this, name, body] {
    ::pthread_setname_np(::pthread_self(), name);  // for who looks at threads; it can't fail
    try {
      (this->*body)();
    } catch (const std::exception& error) {
      const std::lock_guard lock(fault_mutex_);
      if (!fault_) fault_ = std::current_exception();
      interrupts_.fail(std::string("manhattan-server: ") + error.what(), kFailed);
    }
  });
}

void Service::wait_for_signals() {
  Watchdog watchdog({{"draining", drain_pulse_},
                     {"counting", count_pulse_},
                     {"answering", answer_pulse_},
                     {"answering at length", lengthy_pulse_},
                     {"keeping old hours", keeper_.pulse()}},
                    messages_);
  for (;;) {
    interrupts_.sleep(watchdog.due_in());
    if (interrupts_.is_pending()) return;
    if (interrupts_.take_hangup()) reload();
    watchdog.look();
  }
}

Live Service::live_now() const {
  Live live{.tallies = live_tallies()};
  {
    const std::lock_guard lock(worker_mutex_);
    live.rollups = rollups_;
  }
  live.versions = {{"ring", std::to_string(ring::kVersion)},
                   {"store", std::to_string(store::kSchemaVersion)},
                   {"zeromq", query::library_version()}};
  return live;
}

std::map<std::string, std::int64_t> Service::live_tallies() const {
  const auto worker = this->worker();
  auto tallies = worker->live_tallies();
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
  if (const auto since = worker->uncommitted_since()) {
    tallies["worker_behind_ms"] = std::max<std::int64_t>(0, (clock_.now() - *since) / 1ms);
  }
  return tallies;
}

}  // namespace manhattan::program
