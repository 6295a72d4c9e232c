// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "log/log.h"

namespace manhattan {

/// Appends straight to the text log, `PREFIX.<hour>`, with no server and no ring between.
///
/// Many processes may append to one log: a record is one O_APPEND write. A server that drains a
/// ring into the same prefix is not among them: it takes its log to be its own.
///
/// Owns:    the open segment; `files` and `clock` must outlive it.
/// Threads: one at a time.
/// Blocks:  on the disk, as any write does.
/// Errors:  by value; a record that can't be written is dropped and counted.
class TimeRotatingLog final : public Log {
 public:
  TimeRotatingLog(std::string prefix, base::Files& files, const base::Clock& clock);

  Append append(UnixNanos at, std::string_view line) noexcept override;

  std::uint64_t dropped_records() const noexcept { return dropped_records_; }

 private:
  void write(std::string_view line);
  void open_segment_of(UnixNanos now);

  std::string prefix_;
  base::Files& files_;
  const base::Clock& clock_;
  std::string path_;
  base::UniqueFd segment_;
  std::int64_t hour_ = -1;
  std::uint64_t inode_ = 0;
  bool ends_torn_ = false;  ///< the last write failed: part of a line may stand at the end
  std::uint64_t dropped_records_ = 0;
};

}  // namespace manhattan
