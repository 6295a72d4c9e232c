// SPDX-License-Identifier: MIT
#include "bin/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace manhattan::program {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrawEvery = 200ms;
constexpr std::size_t kDefaultColumns = 80;
constexpr std::size_t kMostBar = 40;

std::string with_commas(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  char text[40];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%llu:%02u:%02u",
                  static_cast<unsigned long long>(whole / 3600),
                  static_cast<unsigned>(whole / 60 % 60), static_cast<unsigned>(whole % 60));
  } else {
    std::snprintf(text, sizeof text, "%u:%02u", static_cast<unsigned>(whole / 60),
                  static_cast<unsigned>(whole % 60));
  }
  return text;
}

std::size_t terminal_columns() noexcept {
  winsize size{};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : kDefaultColumns;
}

// What a compressed file holds is an estimate, and a log may grow: never done before it is.
double share_of(const ProgressState& state) {
  if (state.total_bytes == 0) return 0;
  return std::min(0.99,
                  static_cast<double>(state.done_bytes) / static_cast<double>(state.total_bytes));
}

}  // namespace

std::string progress_text(const ProgressState& state) {
  auto text = with_commas(state.records) + " records";
  if (state.seconds > 0) {
    const auto rate = static_cast<double>(state.records) / state.seconds;
    text += ", " + with_commas(static_cast<std::uint64_t>(rate)) + "/s";
  }
  if (state.behind_s) text += ", " + duration(*state.behind_s) + " behind";
  const bool is_done = state.done_bytes == state.total_bytes;
  const auto share = share_of(state);
  if (share > 0 && state.seconds > 0 && !is_done)
    text += ", " + duration(state.seconds * (1 - share) / share) + " left";
  return text;
}

std::string progress_line(const ProgressState& state, std::size_t columns) {
  const auto share = share_of(state);
  char percent[8];
  std::snprintf(percent, sizeof percent, "%3d%%", static_cast<int>(share * 100));
  const auto tail = ' ' + progress_text(state);
  std::string line = percent;
  const auto taken = line.size() + tail.size() + 3;
  if (columns > taken + 5) {
    const auto width = std::min(kMostBar, columns - taken);
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
    line += " [" + std::string(filled, '#') + std::string(width - filled, ' ') + "]";
  }
  return (line + tail).substr(0, columns);
}

Progress::Progress(std::uint64_t total_bytes)
    : is_shown_(total_bytes != kHidden && ::isatty(STDERR_FILENO) == 1) {
  state_.total_bytes = total_bytes;
}

Progress::~Progress() { clear(); }

void Progress::advance(std::uint64_t bytes, std::uint64_t records) {
  state_.done_bytes += bytes;
  state_.records += records;
  draw(state());
}

ProgressState Progress::state() const {
  auto state = state_;
  state.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return state;
}

void Progress::draw(const ProgressState& state) {
  if (!is_shown_ || Clock::now() - drawn_at_ < kDrawEvery) return;
  drawn_at_ = Clock::now();
  is_drawn_ = true;
  // The last column stays free: some terminals wrap when it is written.
  std::fprintf(stderr, "\r%s\033[K", progress_line(state, terminal_columns() - 1).c_str());
}

void Progress::clear() noexcept {
  if (is_drawn_) std::fputs("\r\033[K", stderr);
  is_drawn_ = false;
}

}  // namespace manhattan::program
