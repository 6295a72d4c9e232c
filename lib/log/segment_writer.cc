// SPDX-License-Identifier: MIT
#include "log/segment_writer.h"

#include <algorithm>

#include "ring/frame.h"

namespace manhattan::log {
namespace {

constexpr unsigned kMode = 0640;
// Behind a batch that was shared with others, how much of theirs is searched for it.
constexpr std::uint64_t kMostSearchedBytes = 16 << 20;

}  // namespace

SegmentWriter::SegmentWriter(std::string prefix, base::Files& files, Writers writers)
    : prefix_(std::move(prefix)), files_(files), writers_(writers) {}

std::string SegmentWriter::path_of(std::int64_t hour_s) const {
  return segment_path(prefix_, UnixNanos(std::chrono::seconds(hour_s)));
}

void SegmentWriter::find_end(UnixNanos now) {
  const auto segments = list_segments(files_, prefix_);
  fd_.reset();
  path_ = segments.empty() ? segment_path(prefix_, now) : segments.back();
  hour_s_ = segment_hour_s(path_, prefix_).value_or(0);
  const auto fd = files_.open_read(path_);
  end_ = fd ? files_.size(fd.get(), path_) : 0;
}

void SegmentWriter::rotate(UnixNanos now) {
  const auto path = segment_path(prefix_, now);
  const auto hour_s = std::max(hour_s_, segment_hour_s(path, prefix_).value_or(0));
  if (!fd_ || hour_s != hour_s_) {
    fd_.reset();
    path_ = path_of(hour_s);
    fd_ = files_.open_append(path_, kMode);
    hour_s_ = hour_s;
    end_ = files_.size(fd_.get(), path_);
    starts_line_ = ends_in_newline();
  } else if (writers_ == Writers::shared) {
    end_ = files_.size(fd_.get(), path_);
    starts_line_ = ends_in_newline();
  }
}

bool SegmentWriter::ends_in_newline() const {
  char last = '\n';
  if (end_ > 0) files_.read_at(fd_.get(), {&last, 1}, end_ - 1, path_);
  return last == '\n';
}

void SegmentWriter::plan(std::string_view batch, Step& step) {
  // Alone, a line without its end is what a power cut left. It must not swallow our first one.
  if (!starts_line_ && !batch.empty()) {
    files_.write_all(fd_.get(), "\n", path_);
    ++end_;
    starts_line_ = true;
  }
  step.hour_s = hour_s_;
  step.offset = end_;
  step.length = batch.size();
  step.digest = ring::digest(batch.data(), batch.size());
}

void SegmentWriter::append(std::string_view batch) {
  if (batch.empty()) return;
  files_.write_all(fd_.get(), batch, path_);
  end_ += batch.size();
}

bool SegmentWriter::holds(const std::string& path, int fd, const Step& step,
                          std::uint64_t size) const {
  if (size < step.offset + step.length) return false;
  const auto room = writers_ == Writers::shared ? kMostSearchedBytes : 0;
  std::string tail(std::min(size - step.offset, step.length + room), '\0');
  tail.resize(files_.read_at(fd, tail, step.offset, path));
  for (std::size_t at = 0; at + step.length <= tail.size();) {
    if (ring::digest(tail.data() + at, step.length) == step.digest) return true;
    const auto newline = tail.find('\n', at);
    if (newline == std::string::npos) return false;
    at = newline + 1;
  }
  return false;
}

bool SegmentWriter::settle(const Step& step) {
  if (step.length == 0) return true;
  const auto path = path_of(step.hour_s);
  fd_.reset();  // whatever we thought of its end
  if (!files_.open_read(path)) return false;
  const auto fd = files_.open_append(path, kMode);
  const auto size = files_.size(fd.get(), path);
  if (holds(path, fd.get(), step, size)) return true;
  // Longer than the batch and not the batch: somebody else's lines, which are not ours to cut.
  const bool is_ours = writers_ == Writers::alone && size < step.offset + step.length;
  if (is_ours && size > step.offset) files_.truncate(fd.get(), step.offset, path);
  return false;
}

}  // namespace manhattan::log
