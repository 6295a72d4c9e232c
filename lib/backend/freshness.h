// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace manhattan::backend {

/// How long what was read has waited for its commit, and who wants to see it.
///
/// Threads: ask() on any; the rest on the one that counts.
class Freshness {
 public:
  using Clock = std::chrono::steady_clock;

  /// Something was read, which waits from now on.
  void note_read(Clock::time_point at);
  /// There is nothing more to read at the moment.
  void note_rest();
  /// Nothing waits: it is committed, or given up and will be read again.
  void note_commit();

  /// Of what waits longest; zero where nothing does.
  Clock::duration age() const;
  /// As age(), but no longer than since the last rest: a log is being caught up with.
  Clock::duration age_at_work() const;
  /// Somebody waits in ask().
  bool is_asked_for() const;

  /// Where something waits for longer than answers may be behind: calls `wake` and returns when it
  /// is committed, or after `at_most`. At once where nothing does, and while a log is being caught
  /// up with, whose commits come when they come. Whether there was a commit.
  bool ask(std::chrono::milliseconds at_most, const std::function<void()>& wake);

 private:
  mutable std::mutex mutex_;
  std::condition_variable committed_;
  std::optional<Clock::time_point> since_;
  Clock::time_point rested_;
  std::uint64_t commits_ = 0;
  bool is_asked_for_ = false;
};

}  // namespace manhattan::backend
