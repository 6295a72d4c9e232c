// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace manhattan::base {

/// What a server tells its administrator, a line each: to standard error (where systemd takes it
/// up), or to a file with a time before each line.
///
/// Threads: any. Blocks: on the disk of the file.
/// Errors:  IoError where the file can't be opened; a message that can't be written is lost.
class MessageLog {
 public:
  enum class Level { error, warning, notice, info };

  /// Messages above `most` are left out. An empty path: standard error.
  MessageLog(std::string program, Level most, std::string path = {});

  /// False: messages of that level are left out, and need not be made.
  bool has_use_for(Level level) const noexcept { return level <= most_; }
  void show_up_to(Level most) noexcept { most_ = most; }

  void error(std::string_view message) { write(Level::error, message); }
  void warning(std::string_view message) { write(Level::warning, message); }
  /// What an administrator waits for, and is no fault: that a server is ready, or a reload took
  /// effect.
  void notice(std::string_view message) { write(Level::notice, message); }
  void info(std::string_view message) { write(Level::info, message); }
  /// Of the same warning again and again only the first is told.
  void warning_once(const std::string& message);

  /// Opens the file anew, after a log rotation moved it away.
  void reopen();
  /// Goes on in the file at `path`; empty: on standard error.
  void reopen(const std::string& path);

 private:
  void write(Level level, std::string_view message);

  const std::string program_;
  std::atomic<Level> most_;
  std::mutex mutex_;
  std::string path_;  // this and the file under the mutex
  UniqueFd file_;
  std::set<std::string> told_once_;
};

}  // namespace manhattan::base
