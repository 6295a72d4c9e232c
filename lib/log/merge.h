// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log/tailer.h"

namespace manhattan::log {

/// Where a record stands among those of several logs: the hour it was taken in, and its own time.
struct LineTime {
  std::int64_t hour_s = 0;
  double at_s = 0;
  friend auto operator<=>(const LineTime&, const LineTime&) = default;
};

/// Reads several text logs as if one server had written them: hour after hour, within an hour by
/// the records' times. Each log's own lines stay in their order.
///
/// Owns:    a tailer a log; `files` must outlive it.
/// Threads: one.
/// Errors:  IoError.
class Merge {
 public:
  /// `consumed`: how far each segment is not wanted any more. What a running
  /// server may take back is left out. `tell`: see Tailer.
  Merge(base::Files& files, const std::vector<std::string>& prefixes,
        const ConsumedSegments& consumed, const Segments::Tell& tell = {});

  /// The next lines, at most so many, or nothing while there are none. Its views last until the
  /// next call.
  std::optional<Batch> next(std::int64_t most_lines);
  /// Looks again at all segments, as Tailer does.
  void rescan();
  void touch(const std::string& path);
  /// Makes durable what was read since the last call.
  void sync();

 private:
  struct Source {
    Tailer tailer;
    std::optional<Batch> head;  ///< read, and not all of it given out
    LineTime time;              ///< of its first line
  };

  void fill(Source& source);
  Batch take(Source& source, const Source* rival, std::int64_t most_lines);

  std::deque<Source> sources_;
};

}  // namespace manhattan::log
