// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace manhattan::base {

/// A thread that does jobs in the order in which they are given.
///
/// After a job that throws those that wait are dropped, and the next call here throws the same.
/// Threads: post() and wait() on one.
class Lane {
 public:
  using Job = std::function<void()>;

  /// So many jobs may wait for the one that is being done.
  explicit Lane(std::size_t most_waiting);
  /// Drops what waits.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Blocks while too many wait.
  void post(Job job);
  /// Blocks until all is done.
  void wait();
  /// The same, for who is on the way out: what a job threw is left for the next call.
  void settle() noexcept;

 private:
  void work();
  template <class Condition>
  void wait_until(std::unique_lock<std::mutex>& lock, Condition condition);

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable has_more_, has_changed_;
  std::deque<Job> waiting_;
  bool is_working_ = false;
  bool is_ending_ = false;
  std::exception_ptr error_;
  std::thread thread_;  // last: it begins when all else is there
};

}  // namespace manhattan::base
