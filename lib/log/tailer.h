// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/lane.h"
#include "base/unique_fd.h"
#include "log/fingerprint.h"
#include "log/segment.h"

namespace manhattan::log {

/// Whole lines of one segment, newlines included.
struct Batch {
  std::string file;
  std::uint64_t offset = 0;  ///< of the first byte
  std::string_view lines;    ///< in the tailer's buffer, until its next call
  /// Bytes after `lines` that are one overlong line, to be skipped with them.
  std::uint64_t skipped_bytes = 0;
  Fingerprint begins = {};  ///< of the segment, as far as it is counted with this batch
};

/// Reads the lines of all segments of a text log, each once, oldest hour first, also those that
/// are appended to an older segment later. A line counts when its newline is there.
///
/// An offset belongs to the file it was counted in. Where a segment is renamed or removed and made
/// anew, the old file is read to its end and the new one from its beginning; where one is cut
/// short, what follows is read. Both are told.
///
/// Owns:    its buffer and the descriptor of the segment it reads; `files` must outlive it, and let
///          its sync() be called while all else is.
/// Threads: one; segments that were left are synced on another meanwhile.
/// Errors:  IoError where a segment can't be read.
class Tailer {
 public:
  static constexpr std::size_t kChunkBytes = 1 << 20;

  /// Up to where the segment now written is complete; nothing where the log is not this
  /// process's own and every newline counts.
  using Declared = std::function<std::optional<Written>()>;

  /// `consumed`: how far each segment was counted already. `tell` hears of files
  /// that only have a segment's name, and of segments that became other files.
  Tailer(base::Files& files, std::string prefix, ConsumedSegments consumed, Declared declared = {},
         Segments::Tell tell = {});

  /// The next lines, at most so many, or nothing while there are none.
  std::optional<Batch> next(std::int64_t most_lines);
  /// Looks again at all segments: next() only looks at those said to have changed.
  void rescan();
  /// The segment of this path has grown.
  void touch(const std::string& path);

  /// Makes what was read since the last call durable, before a pointer behind it is.
  void sync();
  const std::string& prefix() const noexcept { return segments_->prefix(); }
  /// Bytes known but not read yet.
  std::uint64_t lag_bytes();

 private:
  struct Open {
    std::string path;
    base::UniqueFd fd = {};
    std::uint64_t inode = 0;
    bool is_plain = true;     ///< not compressed: it may change
    bool is_segment = false;  ///< a record was found in it
  };

  std::uint64_t readable_bytes(const std::string& path, std::int64_t hour_s);
  std::optional<Batch> read(const std::string& path, std::uint64_t end, std::int64_t most_lines);
  bool open(const std::string& path);
  bool is_of_others();
  bool is_at_path() const;
  bool open_replacement(const std::string& path);
  void check_beginning();
  void restart(const std::string& why);
  void sync_beside(Open left);

  base::Files& files_;
  std::unique_ptr<Segments> segments_;
  Declared declared_;
  Segments::Tell tell_;
  ConsumedSegments consumed_;
  std::map<std::int64_t, std::string> hot_;  // by hour: segments that may have unread bytes
  std::set<std::string> unsynced_;
  Open open_;
  std::string buffer_, head_;
  std::vector<Open> left_;               // segments read to their end, to be synced
  std::unique_ptr<base::Lane> syncing_;  // once many are
};

}  // namespace manhattan::log
