// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "backend/answers.h"
#include "backend/worker.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/message_log.h"
#include "base/pulse.h"
#include "bin/catching_up.h"
#include "bin/interrupts.h"
#include "bin/methods.h"
#include "bin/reloading.h"
#include "bin/server_options.h"
#include "bin/watchdog.h"
#include "log/archive.h"
#include "log/drain.h"
#include "log/keeper.h"
#include "query/server.h"

namespace manhattan::program {

/// A thousand clients are more descriptors than the usual soft limit: takes all that is allowed.
void raise_descriptor_limit() noexcept;

/// For --dry-run: which hours of the log would be deleted now, and why, a line each. A server may
/// run.
void print_what_would_be_deleted(const ServerOptions& options);

/// The running manhattan-server: one thread drains, one counts, one answers, one keeps the log's
/// old hours where there is time, and the caller's waits for signals.
///
/// Owns:    all of it; `interrupts`, which takes SIGHUP, too, must outlive it.
/// Errors:  whatever ended one of the threads comes out of run().
class Service {
 public:
  Service(const ServerOptions& options, Reloading reloading, Interrupts& interrupts);
  ~Service();

  /// Drains and counts what there is; Interrupted after a SIGTERM or SIGINT. False: all but what
  /// stands in damaged files of the log.
  bool run_once();
  /// Until SIGTERM or SIGINT; then drains, counts and flushes what there is, as far as that goes
  /// within a second.
  void run();

 private:
  std::unique_ptr<query::Server> bind();
  query::Server::Handler answering(const std::unique_ptr<backend::Answers>& answers,
                                   base::Pulse& pulse);
  void check_store();
  std::string started() const;
  std::shared_ptr<backend::Worker> make_worker(const Backend::Options& options, bool is_verbose);
  std::shared_ptr<backend::Worker> worker() const;
  void reload();
  void rebind(const std::vector<std::string>& endpoints);
  void take_over(const ServerOptions& fresh, std::shared_ptr<backend::Worker> next);
  void drain();
  void drain_pass();
  void wait_for_signals();
  Live live_now() const;
  std::map<std::string, std::int64_t> live_tallies() const;
  std::thread guarded(const char* name, void (Service::*body)());
  void count();
  void keep();
  void stop_keeping();

  ServerOptions options_;  ///< in force; the thread that waits for signals alone looks at it
  Reloading reloading_;
  Interrupts& interrupts_;
  base::MessageLog messages_;
  std::unique_ptr<backend::Answers> answers_, lengthy_answers_;
  // Bound before a ring, a lock or a store is made: a port in use leaves nothing behind.
  std::unique_ptr<query::Server> server_;
  const query::Server* running_server_ =
      nullptr;  ///< what its own thread may ask: set before start
  base::SystemFiles files_;
  base::SystemClock clock_;
  log::Drain drain_;
  base::Pulse drain_pulse_, count_pulse_, answer_pulse_, lengthy_pulse_;  // the keeper has its own
  std::atomic<bool> has_met_damage_ = false;
  log::ArchiveFiles counted_files_;  // the worker's own
  CatchingUp catching_up_;
  mutable std::mutex worker_mutex_;
  // Under the mutex. A worker with new options waits as the next one until the present one has
  // counted what is in the log.
  std::shared_ptr<backend::Worker> worker_, next_worker_;
  std::map<std::string, std::string> rollups_;  ///< those of the worker, by name
  const std::chrono::steady_clock::time_point started_at_ = std::chrono::steady_clock::now();
  log::Keeper keeper_;
  std::mutex keeping_mutex_;
  std::condition_variable keeping_changes_;
  // Under the mutex.
  bool is_keeping_ = true;
  log::Keeper::Rules keeping_rules_;
  int keeping_version_ = 0;  ///< of the rules
  bool has_drain_failed_ = false;
  std::string ring_fault_;  ///< said, and not over
  std::mutex fault_mutex_;
  std::exception_ptr fault_;
};

}  // namespace manhattan::program
