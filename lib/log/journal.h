// SPDX-License-Identifier: MIT
// PREFIX.lock: held by the one drain of a log, and its memory of what it has moved.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/files.h"
#include "log/segment.h"
#include "log/spill_intake.h"
#include "ring/layout.h"

namespace manhattan::log {

/// Where a drain stands once a batch is in the log, and where in the log that batch lies. Only
/// numbers, so that it can stand in a mapped file.
struct Step {
  std::uint64_t ring_epoch = 0;
  std::uint64_t positions[ring::kMaxShards] = {};
  std::uint64_t drained = 0;
  std::uint64_t abandoned = 0;
  std::uint64_t corrupt = 0;
  SpillPosition spill = {};
  std::int64_t hour_s = 0;  ///< of the batch's segment
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t digest = 0;
};

/// The segment that a drain has opened last. Of the file only the inode is kept: the number of a
/// device may be another after a reboot.
struct WrittenSegment {
  std::int64_t hour_s = 0;
  std::uint64_t inode = 0;  ///< 0: not known
  friend bool operator==(const WrittenSegment&, const WrittenSegment&) = default;
};

/// Two steps in a mapped file: the one that is done, and the one whose batch is being written. A
/// kill between any two instructions leaves the first whole and tells whether the second began.
///
/// It is not in the ring, though the ring's positions are: who may write the ring could then have
/// the server cut the log. Here nobody else writes.
///
/// Owns:   the lock, until it dies.
/// Errors: ConfigError where another process holds the lock or the file is of another version;
///         IoError. Steps themselves can't fail: the file's space was taken at the start.
class Journal {
 public:
  Journal(const std::string& prefix, base::Files& files);

  /// For a reader that holds no lock: where a drain writes a batch at this moment, or was killed in
  /// the middle of one, which its next start may take back. Nothing: what stood in the log before
  /// this call stays. Call it after asking for a segment's size.
  static std::optional<Written> unsettled(const std::string& prefix, base::Files& files);

  const Step& done() const noexcept;
  bool is_pending() const noexcept;
  const Step& pending() const noexcept;

  /// Before anything is appended to another segment.
  void note(const WrittenSegment& segment) noexcept;
  const WrittenSegment& written() const noexcept;

  /// Before a batch is written: `step` is what will be true when it is.
  void prepare(const Step& step) noexcept;
  /// The batch is in the log, whole.
  void commit() noexcept;
  /// It is not, and the log is as before it.
  void take_back() noexcept;

 private:
  struct Page;
  Page& page() const noexcept;

  base::UniqueFd lock_;
  boost::interprocess::mapped_region region_;
};

}  // namespace manhattan::log
