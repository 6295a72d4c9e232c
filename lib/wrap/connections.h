// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "wrap/request_reader.h"

namespace manhattan::wrap {

/// Connections between two requests, watched by an epoll instance of somebody else's.
///
/// Owns:    the connections.
/// Threads: any may park; one takes and closes.
class Parking {
 public:
  explicit Parking(int epoll) : epoll_(epoll) {}

  /// Watches `connection` for its next request, once. Hands it back after close().
  [[nodiscard]] Connection park(Connection connection);
  /// The connection that epoll told of; none where it has been closed since.
  Connection take(int fd);
  /// Closes those parked for longer than `limit`.
  void close_idle(std::chrono::seconds limit);
  /// Hands out all there are, and takes no more.
  std::vector<Connection> close();

 private:
  struct Parked {
    Connection connection;
    std::chrono::steady_clock::time_point since;
  };

  int epoll_;
  std::mutex mutex_;
  std::unordered_map<int, Parked> parked_;  ///< under mutex_
  bool is_closed_ = false;                  ///< under mutex_
};

/// Connections with a request waiting for a worker.
///
/// Threads: any.
/// Blocks:  pop(), until there is one or close() was called.
class ReadyQueue {
 public:
  explicit ReadyQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Hands `connection` back where the queue is full or closed.
  [[nodiscard]] Connection push(Connection connection);
  /// Nothing once it is closed and empty.
  std::optional<Connection> pop();
  void close();

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable is_ready_;
  std::deque<Connection> waiting_;  ///< under mutex_
  bool is_closed_ = false;          ///< under mutex_
};

}  // namespace manhattan::wrap
