// SPDX-License-Identifier: MIT
#pragma once

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
  enum class Level { error, warning, info };

  /// Messages above `most` are left out. An empty path: standard error.
  MessageLog(std::string program, Level most, std::string path = {});

  /// False: messages of that level are left out, and need not be made.
  bool has_use_for(Level level) const noexcept { return level <= most_; }

  void error(std::string_view message) { write(Level::error, message); }
  void warning(std::string_view message) { write(Level::warning, message); }
  void info(std::string_view message) { write(Level::info, message); }
  /// Of the same warning again and again only the first is told.
  void warning_once(const std::string& message);

  /// Opens the file anew, after a log rotation moved it away.
  void reopen();

 private:
  void write(Level level, std::string_view message);

  const std::string program_;
  const Level most_;
  const std::string path_;
  std::mutex mutex_;
  UniqueFd file_;
  std::set<std::string> told_once_;
};

}  // namespace manhattan::base
