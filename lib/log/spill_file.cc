// SPDX-License-Identifier: MIT
#include <sys/file.h>

#include <cstring>
#include <span>

#include "log/spill_intake.h"

namespace manhattan::log {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kLongestText = kMaxSpillBytes + 64;
constexpr std::size_t kBufferBytes = kLongestText + kReadBytes;

}  // namespace

SpillFile::SpillFile(base::Files& files, std::string path, std::uint64_t number,
                     std::uint64_t offset)
    : files_(files),
      path_(std::move(path)),
      number_(number),
      fd_(files.open_read(path_)),
      buffer_(new char[kBufferBytes]),
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
    if (!is_closed_ || begin_ == end_) return nullptr;
    ++torn;
    begin_ = end_;
    return nullptr;
  }
  return &front_;
}

// Looks at the whole lines in the buffer.
bool SpillFile::find_front(std::uint64_t& torn) {
  for (;;) {
    const std::string_view rest(buffer_.get() + begin_, end_ - begin_);
    const auto newline = rest.find('\n');
    if (newline == std::string_view::npos) {
      if (rest.size() <= kLongestText) return false;
      ++torn;
      begin_ = end_;
      return false;
    }
    line_bytes_ = newline + 1;
    const auto text = rest.substr(0, line_bytes_);
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
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  start_ += begin_;
  end_ -= begin_;
  begin_ = 0;
  const std::span<char> free(buffer_.get() + end_, kBufferBytes - end_);
  const auto got = files_.read_at(fd_.get(), free, start_ + end_, path_);
  end_ += got;
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
