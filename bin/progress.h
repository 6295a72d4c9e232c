// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace manhattan::program {

struct ProgressState {
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t records = 0;
  double seconds = 0;
  std::optional<double> behind_s = {};  ///< how long ago the record at hand happened
};

/// `1,234,567 records, 812,000/s, 3:05:00 behind, 0:12 left`.
std::string progress_text(const ProgressState& state);

/// ` 45% [####    ] 1,234,567 records, 812,000/s, 0:12 left`, at most `columns` wide.
std::string progress_line(const ProgressState& state, std::size_t columns);

/// The last line of a terminal on standard error; nothing where that is none.
///
/// Threads: one.
class Progress {
 public:
  static constexpr std::uint64_t kHidden = 0;  ///< as a total: there is no line
  explicit Progress(std::uint64_t total_bytes);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t bytes, std::uint64_t records);
  /// Shows `state`, kept elsewhere, unless it was drawn a moment ago.
  void draw(const ProgressState& state);
  /// Takes the line away, so that something else can be printed.
  void clear() noexcept;
  /// With the time passed so far.
  ProgressState state() const;

 private:
  using Clock = std::chrono::steady_clock;
  ProgressState state_;
  const bool is_shown_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_at_{};
  bool is_drawn_ = false;
};

}  // namespace manhattan::program
