// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/message_log.h"

namespace manhattan::wrap {

/// What a program writes to its standard error, cut into lines of our log. One request's share is
/// bounded: what goes beyond kMaxBytes is read, counted and dropped.
class ErrorLines {
 public:
  static constexpr std::size_t kMaxLineBytes = 2048;
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  ErrorLines(base::MessageLog& messages, std::string program)
      : messages_(&messages), program_(std::move(program)) {}

  const std::string& program() const noexcept { return program_; }

  void take(std::string_view bytes);
  /// The last line without its newline, and how much was dropped.
  void finish();

 private:
  void write_line();

  base::MessageLog* messages_;  ///< outlives this
  std::string program_;
  std::string line_;
  std::size_t written_bytes_ = 0;
  std::size_t dropped_bytes_ = 0;
};

}  // namespace manhattan::wrap
