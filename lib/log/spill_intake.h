// SPDX-License-Identifier: MIT
// The server's side of the spill log.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "log/segment.h"
#include "log/spill.h"

namespace manhattan::log {

/// How far the spill files have been taken in.
struct SpillPosition {
  static constexpr std::size_t kMostFiles = 16;
  std::uint64_t next_number = 0;  ///< no file of this number or above was ever taken in
  std::uint64_t taken_in = 0;     ///< records
  std::uint64_t torn = 0;         ///< pieces that are no record
  std::uint64_t file_count = 0;
  struct File {
    std::uint64_t number;
    std::uint64_t offset;
  } files[kMostFiles] = {};
};

/// One renamed spill file, read while late writers may still append to it.
class SpillFile {
 public:
  SpillFile(base::Files& files, std::string path, std::uint64_t number, std::uint64_t offset);

  std::uint64_t number() const noexcept { return number_; }
  const std::string& path() const noexcept { return path_; }
  /// Everything before it was popped or skipped.
  std::uint64_t offset() const noexcept { return start_ + begin_; }
  /// No writer has it open or will again, and offset() is its end.
  bool is_finished() const noexcept { return is_closed_ && is_at_end_; }

  /// Has front() look again for what late writers appended.
  void look_again() noexcept { is_at_end_ = is_at_end_ && is_closed_; }
  /// The next record; nothing where no whole one stands there (yet). Adds to `torn` what it skips.
  const SpilledLine* front(std::uint64_t& torn);
  void pop() noexcept;

 private:
  bool find_front(std::uint64_t& torn);
  bool read_more();
  bool close_to_writers() noexcept;

  base::Files& files_;
  std::string path_;
  std::uint64_t number_;
  base::UniqueFd fd_;
  std::unique_ptr<char[]> buffer_;  // bytes [start_, start_ + end_) of the file
  std::uint64_t start_;
  std::size_t begin_ = 0;  // in buffer_: the first byte that is neither popped nor skipped
  std::size_t end_ = 0;
  std::size_t line_bytes_ = 0;
  SpilledLine front_;  ///< into buffer_
  bool has_front_ = false;
  bool is_at_end_;
  bool is_closed_;  ///< we hold its exclusive lock
};

/// All spill files of a log, merged by time.
///
/// Owns:    the files it has open.
/// Threads: one, the drain's.
/// Errors:  IoError; what was popped and not committed comes again after go_to().
class SpillIntake {
 public:
  /// `tell` hears of what is no regular file and stands where a spill file would.
  SpillIntake(std::string prefix, base::Files& files, Segments::Tell tell = {});

  /// Takes up where `position` says.
  void go_to(const SpillPosition& position);
  /// Has front() see what late writers appended to the files that are open.
  void look_again() noexcept;
  /// Opens the file that was spilled to since the last look.
  void look();
  /// The earliest record there is; nothing where there is none.
  const SpilledLine* front();
  /// Takes the one that front() gave.
  void pop() noexcept;
  SpillPosition position() const noexcept;
  /// Removes files that are taken in for good: position() is where a kill can't lose it.
  void remove_finished();

 private:
  void open(std::uint64_t number, std::uint64_t offset);
  bool is_file(const std::string& path);

  std::string prefix_;
  base::Files& files_;
  Segments::Tell tell_;
  std::set<std::string> told_;
  SpillPosition position_;
  std::vector<std::unique_ptr<SpillFile>> open_;
  std::size_t earliest_ = 0;
};

}  // namespace manhattan::log
