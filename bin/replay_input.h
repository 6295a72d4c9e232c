// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/message_log.h"
#include "bin/replay_options.h"
#include "log/line_reader.h"
#include "log/merge.h"

namespace manhattan::program {

/// What is replayed, as lines of a text log.
///
/// An access log has no pixels: each of its pages is followed by one, so that nobody waits.
/// Owns:    what it reads with; `files` must outlive it.
/// Threads: one.
/// Errors:  ConfigError where there is no such log; IoError.
class ReplayInput {
 public:
  /// `consumed`: how far each file is not wanted any more.
  ReplayInput(base::Files& files, const ReplayOptions& options,
              const log::ConsumedSegments& consumed, base::MessageLog& messages);

  struct Piece {
    log::Batch batch;
    log::Pointer end;  ///< of what it was made from
    std::uint64_t bytes = 0;
  };
  /// Its views last until the next call. Nothing at the end, for now.
  std::optional<Piece> next(std::int64_t most_lines);

  /// Makes durable what was read since the last call.
  void sync();
  /// What next() is to give, as far as can be told without reading it.
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  /// To look for what is appended; null for access logs.
  log::Merge* logs() noexcept { return merge_.get(); }
  /// Lines of access logs that are no page, by reason.
  const std::map<std::string, std::uint64_t>& skipped() const noexcept { return skipped_; }

 private:
  void open_logs(const ReplayOptions& options, const log::ConsumedSegments& consumed);
  void open_access_logs(const ReplayOptions& options, const log::ConsumedSegments& consumed);
  std::optional<Piece> next_access(std::int64_t most_lines);
  void translate(std::string_view line);

  base::Files& files_;
  base::MessageLog& messages_;
  const bool is_anonymized_;
  std::uint64_t total_bytes_ = 0;
  std::unique_ptr<log::Merge> merge_;
  struct AccessLog {
    std::string path;
    std::uint64_t offset;
  };
  std::vector<AccessLog> access_logs_;  // the next one last
  std::unique_ptr<log::LineReader> access_;
  log::Batch access_rest_;
  std::string translated_;
  std::string scratch_;
  std::string storage_;
  std::map<std::string, std::uint64_t> skipped_;
};

/// Of a prefix without a segment.
ConfigError no_log(const std::string& prefix);
/// Throws that where there is none; the segments' names. `tell`: see log::Segments.
std::vector<std::string> require_log(const std::string& prefix, const log::Segments::Tell& tell);

}  // namespace manhattan::program
