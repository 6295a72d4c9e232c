// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace manhattan::program {

/// Takes SIGINT and SIGTERM on a thread of its own, so that work ends where it is whole, and within
/// a second wherever it is.
///
/// What has not ended by then is ended with the process: everything that Manhattan writes survives
/// a kill at any instruction, so nothing is lost or counted twice, only done again.
///
/// Owns:    its thread.
/// Threads: made before any other, for all of them block these signals; its functions on any.
class Interrupts {
 public:
  enum class Hangup { ends_process, is_taken };

  /// `last_word` is printed and `exit_code` returned where the process is ended.
  Interrupts(std::string last_word, int exit_code, Hangup hangup = Hangup::ends_process);
  /// The work has ended.
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// Calls `pending` on its thread when a signal comes, and `late` when so much time has passed
  /// since that a commit is to be given up. At once where that has been.
  void call(std::function<void()> pending, std::function<void()> late);

  /// One has come; it stays so.
  bool is_pending() const noexcept { return is_pending_; }
  /// One has come, longer ago than that.
  bool is_pending_for(std::chrono::milliseconds least) const noexcept;
  /// Returns early when one comes, or a SIGHUP that is taken.
  void sleep(std::chrono::nanoseconds most);
  /// A SIGHUP has come since the last call.
  bool take_hangup() noexcept { return has_hangup_.exchange(false); }

  /// As if one had come.
  void interrupt() noexcept;
  /// The same, where something failed.
  void fail(std::string why, int exit_code);

 private:
  void work();
  void end();

  sigset_t signals_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string last_word_;  // these under the mutex
  int exit_code_;
  std::function<void()> pending_, late_;
  bool is_late_ = false;
  bool is_done_ = false;
  std::atomic<bool> is_pending_ = false, has_hangup_ = false;
  std::atomic<std::chrono::steady_clock::time_point> since_{};
  std::thread thread_;
};

}  // namespace manhattan::program
