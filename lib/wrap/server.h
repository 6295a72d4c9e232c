// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/message_log.h"
#include "log/log.h"
#include "wrap/connections.h"
#include "wrap/descriptor_limit.h"
#include "wrap/listener.h"
#include "wrap/middleware.h"
#include "wrap/passed_variables.h"
#include "wrap/reaper.h"
#include "wrap/spawner.h"
#include "wrap/target.h"
#include "wrap/upstream.h"

namespace manhattan::wrap {

struct Workplace;

/// Serves FastCGI requests until SIGTERM or SIGINT: one thread accepts and watches idle
/// connections, `jobs` threads run programs, one turns away what is too much.
///
/// Threads: run() belongs to the process's first thread, before there are others.
/// Errors:  ConfigError and IoError before the first request; then none.
class Server {
 public:
  struct Settings {
    std::optional<Target> fixed;          ///< the program of every request; none: the request's own
    std::optional<std::string> upstream;  ///< who answers instead of programs: SocketAddress's text
    std::vector<std::string> roots;   ///< of programs that requests name, resolved; empty: anywhere
    std::vector<std::string> passed;  ///< further variables of requests that programs see
    bool takes_search_words = false;  ///< RFC 3875 section 4.4
    std::size_t jobs = 16;
    std::size_t max_waiting = 1024;           ///< requests; beyond it they get 503
    std::chrono::seconds silence_limit{120};  ///< zero: none
    std::chrono::seconds time_limit{0};       ///< of a program's whole answer; zero: none
    std::uint64_t memory_bytes = 0;           ///< that a program may map; 0: as many as we may
    std::uint64_t processes = 0;           ///< of our user, as a program counts them; 0: likewise
    std::chrono::seconds idle_limit{600};  ///< of a connection between two requests
    /// One log for each worker; null: nothing is recorded.
    std::function<std::unique_ptr<Log>()> make_log;
    /// Called at the start and on SIGHUP; may answer null.
    std::function<std::shared_ptr<const Middleware>()> load;
  };

  Server(Settings settings, base::MessageLog& messages);

  /// Returns when the last request is finished.
  void run(std::vector<Listener> listeners);

  /// Serves the one request in our own environment, standard input and output.
  void run_plain_cgi();

 private:
  Workplace make_workplace();
  std::vector<Limit> limits() const;
  void watch(int fd);
  void accept_from(int listener);
  void dispatch(Connection connection);
  /// To a worker, or to its 503.
  void queue(Connection connection);
  /// After a request: waits for the next one, unless that has come already. Once we stop, hands
  /// back a connection on which one has come.
  [[nodiscard]] Connection put_back(Connection connection);
  /// As we stop: requests that are on their way on idle connections.
  void take_last_requests();
  /// False: time to stop.
  bool take_signal();
  void loop(const std::vector<Listener>& listeners);
  void work();
  void turn_away();
  void serve(Connection connection, Workplace& workplace);
  std::shared_ptr<const Middleware> middleware();
  void reload();

  const Settings settings_;
  const std::vector<Limit> limits_ = limits();  ///< of programs
  base::MessageLog& messages_;
  base::UniqueFd epoll_, signals_;
  std::atomic<bool> is_stopping_ = false;
  Parking parking_;
  ReadyQueue ready_, excess_;
  const PassedVariables passed_;
  const std::optional<Upstream> upstream_;  ///< none: we run programs
  std::optional<Reaper> reaper_;
  std::mutex mutex_;
  std::shared_ptr<const Middleware> middleware_;  ///< under mutex_
};

}  // namespace manhattan::wrap
