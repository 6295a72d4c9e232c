// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/files.h"
#include "base/unique_fd.h"
#include "log/tailer.h"

namespace manhattan::log {

/// Reads the lines of one file, from an offset to its end as it is by then.
///
/// Owns:    its buffer and the descriptor; `files` must outlive it.
/// Threads: one.
/// Errors:  IoError where it can't be read.
class LineReader {
 public:
  LineReader(base::Files& files, std::string path, std::uint64_t offset);

  /// The next whole lines, or bytes to skip of a line that is too long; its views last until the
  /// next call. Nothing at the end.
  std::optional<Batch> next();
  /// Of the first byte that next() has not given.
  std::uint64_t offset() const noexcept { return offset_; }
  /// Once next() gave nothing: bytes at the end that no newline follows.
  std::uint64_t torn_bytes() const noexcept { return torn_bytes_; }

 private:
  base::Files& files_;
  const std::string path_;
  base::UniqueFd fd_;
  std::uint64_t offset_;
  std::uint64_t torn_bytes_ = 0;
  std::string buffer_;
};

}  // namespace manhattan::log
