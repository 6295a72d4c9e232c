// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "wrap/socket_address.h"

namespace manhattan::wrap {

/// A program that serves FastCGI itself, such as php-fpm, and the connections to it that are kept
/// from one request to the next.
///
/// A process of such a program mostly serves one connection until that is closed: one that we keep
/// for nothing would lock out whoever waits for a process. So an open() ends a kept connection, and
/// while a starve()d one waits for its first byte none is kept. There are never more connections
/// than there were requests at a time.
///
/// Owns:    the kept connections.
/// Threads: any number; a Connection is one thread's, and does not outlive this.
/// Blocks:  open(), until there is room in the program's queue, for kConnectLimit at most.
class Upstream {
 public:
  static constexpr std::chrono::seconds kConnectLimit{10};

  class Connection;

  explicit Upstream(const std::string& address) : address_(SocketAddress::parse(address)) {}

  /// The address as it was given.
  const std::string& name() const noexcept { return address_.text; }

  /// A kept connection that the program has not closed; none where there is none.
  std::optional<Connection> take_kept();
  /// A new one; none with errno where that fails: ETIMEDOUT after kConnectLimit, ECANCELED once
  /// `is_wanted`, which is asked now and then, says no.
  std::optional<Connection> open(const std::function<bool()>& is_wanted);
  /// Closes those kept for longer than `limit`.
  void close_idle(std::chrono::seconds limit);

 private:
  struct Kept {
    base::UniqueFd socket;
    std::chrono::steady_clock::time_point since;
  };

  int connect(int socket, const std::function<bool()>& is_wanted) const;

  const SocketAddress address_;
  std::mutex mutex_;
  std::vector<Kept> kept_;    ///< under mutex_; the one used last is last
  std::size_t starving_ = 0;  ///< under mutex_
};

/// One connection, for one request.
class Upstream::Connection {
 public:
  Connection(Connection&& other) noexcept;
  ~Connection();

  int fd() const noexcept { return socket_.get(); }
  /// It has served a request before: the program may have closed it by now.
  bool was_kept() const noexcept { return was_kept_; }
  /// Something came back: a process of the program serves it.
  void prove() noexcept;
  /// Nothing came back for a while: perhaps every process waits on a kept connection. They end.
  void starve();
  /// Neither changes anything any more.
  bool is_settled() const noexcept { return is_proven_ || is_starving_; }
  /// The request is over and so is its answer: gives the connection back.
  void keep();

 private:
  friend class Upstream;
  Connection(Upstream& upstream, base::UniqueFd socket, bool was_kept)
      : upstream_(upstream),
        socket_(std::move(socket)),
        was_kept_(was_kept),
        is_proven_(was_kept) {}

  Upstream& upstream_;
  base::UniqueFd socket_;
  bool was_kept_;
  bool is_proven_;
  bool is_starving_ = false;
};

}  // namespace manhattan::wrap
