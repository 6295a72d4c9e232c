// SPDX-License-Identifier: MIT
#include "log/time_rotating_log.h"

#include <exception>

#include "log/segment.h"

namespace manhattan {

TimeRotatingLog::TimeRotatingLog(std::string prefix, base::Files& files, const base::Clock& clock)
    : prefix_(std::move(prefix)), files_(files), clock_(clock) {}

Append TimeRotatingLog::append(UnixNanos, std::string_view line) noexcept {
  try {
    open_segment_of(clock_.now());
    write(line);
    return Append::written;
  } catch (const std::exception&) {
    ++dropped_records_;
    return Append::dropped;
  }
}

void TimeRotatingLog::write(std::string_view line) {
  const bool was_torn = std::exchange(ends_torn_, true);
  // The newline ends what a failed write may have left, so that it spoils no second record.
  if (was_torn) files_.write_all(segment_.get(), "\n", path_);
  files_.write_all(segment_.get(), line, path_);
  ends_torn_ = false;
}

// By the time of the write, and back only where the clock was far ahead. A
// segment that was renamed or removed is made anew, or the log would not have what is written on.
void TimeRotatingLog::open_segment_of(UnixNanos now) {
  const auto hour = std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count();
  if (segment_ && hour <= hour_ && hour + 1 >= hour_ && log::inode_at(path_) == inode_) return;
  path_ = log::segment_path(prefix_, now);
  segment_ = files_.open_shared(path_, 0640);
  inode_ = log::inode_of(segment_.get(), path_);
  hour_ = hour;
  ends_torn_ = false;
}

}  // namespace manhattan
