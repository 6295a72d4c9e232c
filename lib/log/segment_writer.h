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

  SegmentWriter(std::string prefix, base::Files& files, Writers writers, Segments::Tell tell = {});

  /// Goes to the end of the latest segment there is; that of `now` where there is none. The file of
  /// `written` is one whatever stands in it.
  void find_end(UnixNanos now, const WrittenSegment& written);
  /// Opens the segment of `now`, but never an earlier one than before: its reader has left it.
  /// Where a file of others has that name, the one before goes on, or an earlier hour's is made.
  void rotate(UnixNanos now);

  /// Fills in where `batch` will stand; call append() with it next.
  void plan(std::string_view batch, Step& step);
  void append(std::string_view batch);

  /// Whether the batch of `step` is in the log; where it is only in part, takes that part back, but
  /// from no other file than `written`.
  bool settle(const Step& step, const WrittenSegment& written);

  Written end() const { return {{path_, end_}, inode_}; }
  /// What rotate() has opened.
  const WrittenSegment& written() const noexcept { return written_; }

 private:
  std::string path_of(std::int64_t hour_s) const;
  bool is_last_written(int fd, const std::string& path) const;
  base::UniqueFd open_to_append(const std::string& path);
  bool is_appendable(const std::string& path);
  bool can_take(std::int64_t hour_s);
  std::int64_t hour_to_write(std::int64_t hour_s);
  bool ends_in_newline() const;
  bool holds(const std::string& path, int fd, const Step& step, std::uint64_t size) const;

  Segments segments_;
  base::Files& files_;
  Writers writers_;
  std::string path_;
  base::UniqueFd fd_;
  std::int64_t hour_s_ = 0;
  WrittenSegment written_;
  std::optional<std::int64_t> refused_s_ = {};  ///< the hour last met whose name others have
  std::uint64_t end_ = 0;
  std::uint64_t inode_ = 0;
  bool starts_line_ = true;  ///< false: something without a newline stands at the end
};

}  // namespace manhattan::log
