// SPDX-License-Identifier: MIT
// The spill log: where writers leave records that the ring could not take.
//
// A record is one O_APPEND write of "\n<time> <checksum> <line>": nanoseconds and checksum in 16
// hexadecimal digits each, the line with its newline. The newline in front ends what a killed
// writer may have left, so that it spoils no other record. Writers append to PREFIX.spill; the
// server renames it to PREFIX.spill.<number>, takes it in and removes it. A writer holds a shared
// lock while it writes, and the server an exclusive one when it removes: who finds that one, or
// the file gone, opens PREFIX.spill anew. Nobody waits for either lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"

namespace manhattan::log {

/// A longer line is dropped: the server takes in pieces of bounded size.
inline constexpr std::size_t kMaxSpillBytes = 256 * 1024;

struct SpilledLine {
  UnixNanos at;
  std::string_view line;  ///< with its newline
};

void append_spilled(UnixNanos at, std::string_view line, std::string& out);

/// What one line of a spill file holds (newline included); nothing where it is no record.
std::optional<SpilledLine> parse_spilled(std::string_view text) noexcept;

inline std::string spill_path(const std::string& prefix) { return prefix + ".spill"; }

/// The number of `PREFIX.spill.<number>`; nothing where `path` is named otherwise. Anybody who may
/// spill can make any name: two of one number (`.07` beside `.7`) would have one file taken in
/// twice, and there has to be a number behind the largest.
std::optional<std::uint64_t> spill_number(std::string_view path, const std::string& prefix);

/// Appends records to the spill log.
///
/// Threads: one at a time; any number of processes.
/// Errors:  IoError where the record could not be written, or not for sure.
class SpillWriter {
 public:
  SpillWriter(std::string prefix, base::Files& files);

  void append(UnixNanos at, std::string_view line);

 private:
  base::UniqueFd open_and_lock();

  std::string path_;
  base::Files& files_;
  std::string text_;
};

}  // namespace manhattan::log
