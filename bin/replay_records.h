// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "bin/progress.h"
#include "bin/replay_input.h"

namespace manhattan::program {

/// Calls `use` with each line of `lines`, its newline included.
template <class Use>
void for_each_line(std::string_view lines, Use use) {
  for (std::size_t start = 0; start < lines.size();) {
    const auto newline = std::min(lines.find('\n', start), lines.size() - 1);
    use(lines.substr(start, newline + 1 - start));
    start = newline + 1;
  }
}

/// The records of an input that pass a filter.
///
/// Owns:    nothing; all it was made with must outlive it.
/// Threads: one.
class RecordReader {
 public:
  RecordReader(ReplayInput& input, const Filter& filter, Progress& progress)
      : input_(input), filter_(filter), progress_(progress) {}

  /// Also its line, as it stands in the log; false: enough.
  using Use = std::function<bool(const Record& record, std::string_view line)>;
  /// Up to the end, for now.
  void read(const Use& use);

  std::uint64_t used() const noexcept { return used_; }
  /// What was no record, by reason: `3 lines skipped: 2 bad_value, 1 bad_site`; empty for none.
  std::string skipped() const;

 private:
  bool read(const ReplayInput::Piece& piece, const Use& use);

  ReplayInput& input_;
  const Filter& filter_;
  Progress& progress_;
  std::string scratch_;
  std::uint64_t used_ = 0;
  std::map<std::string, std::uint64_t> skipped_;
};

/// `3 lines skipped: 2 bad_value, 1 bad_site`.
std::string skipped_text(const std::map<std::string, std::uint64_t>& skipped);

}  // namespace manhattan::program
