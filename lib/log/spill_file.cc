// SPDX-License-Identifier: MIT
#include <sys/file.h>

#include <algorithm>

#include "log/spill_intake.h"

namespace manhattan::log {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kLongestText = kMaxSpillBytes + 64;

}  // namespace

SpillFile::SpillFile(base::Files& files, std::string path, std::uint64_t number,
                     std::uint64_t offset)
    : files_(files),
      path_(std::move(path)),
      number_(number),
      fd_(files.open_read(path_)),
      start_(offset),
      is_at_end_(!fd_),
      is_closed_(!fd_) {}

const SpilledLine* SpillFile::front(std::uint64_t& torn) {
  if (has_front_) return &front_;
  if (is_at_end_) return nullptr;
  while (!find_front(torn)) {
    if (read_more()) continue;
    // A record cut short at the end may still be growing, unless no writer is left.
    if (!is_closed_ && close_to_writers()) continue;
    is_at_end_ = true;
    if (!is_closed_ || begin_ == buffer_.size()) return nullptr;
    ++torn;
    begin_ = buffer_.size();
    return nullptr;
  }
  return &front_;
}

// Looks at the whole lines in the buffer.
bool SpillFile::find_front(std::uint64_t& torn) {
  for (;;) {
    const auto newline = buffer_.find('\n', begin_);
    if (newline == std::string::npos) {
      if (buffer_.size() - begin_ <= kLongestText) return false;
      ++torn;
      begin_ = buffer_.size();
      return false;
    }
    line_bytes_ = newline + 1 - begin_;
    const auto text = std::string_view(buffer_).substr(begin_, line_bytes_);
    if (const auto line = parse_spilled(text)) {
      front_ = *line;
      has_front_ = true;
      return true;
    }
    if (line_bytes_ > 1) ++torn;  // a lone newline stands before every record
    begin_ += line_bytes_;
  }
}

bool SpillFile::read_more() {
  buffer_.erase(0, begin_);
  start_ += begin_;
  begin_ = 0;
  const auto size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  std::size_t got = 0;
  try {
    got = files_.read_at(fd_.get(), {buffer_.data() + size, kReadBytes}, start_ + size, path_);
  } catch (...) {
    buffer_.resize(size);
    throw;
  }
  buffer_.resize(size + got);
  return got > 0;
}

bool SpillFile::close_to_writers() noexcept {
  is_closed_ = ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
  return is_closed_;
}

void SpillFile::pop() noexcept {
  begin_ += line_bytes_;
  has_front_ = false;
}

}  // namespace manhattan::log
