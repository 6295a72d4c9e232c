// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "record/erase.h"

namespace manhattan::log {

/// PREFIX.forgotten: visitors who were forgotten while some of their records may have waited in the
/// ring or the spill log. A drain erases these as it moves them, and removes the file when all that
/// is from before has gone by.
///
/// Threads: one.
/// Errors:  IoError; ConfigError where the file is not of ours.
class Forgotten {
 public:
  /// Reads the list of a log; an empty one where there is none.
  Forgotten(std::string prefix, base::Files& files);

  /// Durable when it returns. What these did up to `now` is to be forgotten.
  void add(const record::Visitors& visitors, UnixNanos now);

  const record::Visitors& visitors() const noexcept { return visitors_; }
  /// `lines` without what has to be erased in them: themselves where that is nothing, else in
  /// memory of ours until the next call.
  std::string_view erased(std::string_view lines);
  /// All records of before `at` have passed through erased().
  void passed(UnixNanos at);

 private:
  void read();

  base::Files& files_;
  const std::string path_;
  record::Visitors visitors_;
  UnixNanos until_{};
  std::string lines_;
  std::string scratch_;
};

struct ErasedLine {
  std::size_t start = 0;
  std::size_t size = 0;  ///< without its newline
};

/// Erases every line of `lines` that is to be, in place.
std::vector<ErasedLine> erase_lines(std::string& lines, const record::Visitors& visitors);

}  // namespace manhattan::log
