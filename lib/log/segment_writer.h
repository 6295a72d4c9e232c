// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "log/journal.h"
#include "log/segment.h"

namespace manhattan::log {

/// The end of the text log, where a drain appends its batches.
///
/// Owns:   the open segment.
/// Errors: IoError.
class SegmentWriter {
 public:
  /// `alone`: nobody else appends, so what a kill cut short may be cut off again. `shared`: others
  /// do; then a batch is one record, and found again by its bytes.
  enum class Writers { alone, shared };

  SegmentWriter(std::string prefix, base::Files& files, Writers writers);

  /// Goes to the end of the latest segment there is; that of `now` where there is none.
  void find_end(UnixNanos now);
  /// Opens the segment of `now`, but never an earlier one than before: its reader has left it.
  void rotate(UnixNanos now);

  /// Fills in where `batch` will stand; call append() with it next.
  void plan(std::string_view batch, Step& step);
  void append(std::string_view batch);

  /// Whether the batch of `step` is in the log; where it is only in part, takes that part back.
  bool settle(const Step& step);

  Pointer end() const { return {path_, end_}; }

 private:
  std::string path_of(std::int64_t hour_s) const;
  bool ends_in_newline() const;
  bool holds(const std::string& path, int fd, const Step& step, std::uint64_t size) const;

  std::string prefix_;
  base::Files& files_;
  Writers writers_;
  std::string path_;
  base::UniqueFd fd_;
  std::int64_t hour_s_ = 0;
  std::uint64_t end_ = 0;
  bool starts_line_ = true;  ///< false: something without a newline stands at the end
};

}  // namespace manhattan::log
