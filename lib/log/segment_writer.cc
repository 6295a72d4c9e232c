// SPDX-License-Identifier: MIT
#include "log/segment_writer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "ring/frame.h"

namespace manhattan::log {
namespace {

constexpr unsigned kMode = 0640;
constexpr std::int64_t kHourS = 3600;
// Behind a batch that was shared with others, how much of theirs is searched for it.
constexpr std::uint64_t kMostSearchedBytes = 16 << 20;

}  // namespace

SegmentWriter::SegmentWriter(std::string prefix, base::Files& files, Writers writers,
                             Segments::Tell tell)
    : segments_(std::move(prefix), std::move(tell)), files_(files), writers_(writers) {}

std::string SegmentWriter::path_of(std::int64_t hour_s) const {
  return segment_path(segments_.prefix(), UnixNanos(std::chrono::seconds(hour_s)));
}

void SegmentWriter::find_end(UnixNanos now, const WrittenSegment& written) {
  fd_.reset();
  written_ = written;
  path_ = segment_path(segments_.prefix(), now);
  hour_s_ = 0;
  end_ = 0;
  const auto segments = segments_.list(files_);
  const auto latest = std::find_if(segments.rbegin(), segments.rend(), [&](const auto& path) {
    const auto fd = segments_.open(files_, path);
    return fd && (is_last_written(fd.get(), path) ||
                  segments_.look(files_, fd.get(), path) == Segments::Holds::records);
  });
  if (latest == segments.rend()) return;
  const auto fd = segments_.open(files_, *latest);
  if (!fd) return;
  path_ = *latest;
  hour_s_ = segment_hour_s(path_, segments_.prefix()).value_or(0);
  end_ = files_.size(fd.get(), path_);
  inode_ = inode_of(fd.get(), path_);
}

// Whatever stands in it: who writes the ring may have written that.
bool SegmentWriter::is_last_written(int fd, const std::string& path) const {
  return written_.inode != 0 && written_.inode == inode_of(fd, path);
}

base::UniqueFd SegmentWriter::open_to_append(const std::string& path) {
  return writers_ == Writers::shared ? files_.open_shared(path, kMode)
                                     : files_.open_append(path, kMode);
}

/// Who made it could read all that is written to it.
bool SegmentWriter::is_appendable(const std::string& path) {
  try {
    return bool(open_to_append(path));
  } catch (const base::RefusedError& error) {
    segments_.leave_alone(path, error.why);
  } catch (const IoError& error) {
    if (error.code != std::errc::permission_denied) throw;
    segments_.leave_alone(path, error.what());
  }
  return false;
}

// A missing or empty file can be taken, and one that a writer has just begun.
bool SegmentWriter::can_take(std::int64_t hour_s) {
  const auto path = path_of(hour_s);
  if (stored_path(path) != path) return true;
  const auto fd = segments_.open(files_, path);
  const bool is_of_log = fd && (is_last_written(fd.get(), path) ||
                                segments_.look(files_, fd.get(), path) != Segments::Holds::others);
  return is_of_log && is_appendable(path);
}

std::int64_t SegmentWriter::hour_to_write(std::int64_t hour_s) {
  constexpr int kMostTries = 100;
  if (fd_ && hour_s == refused_s_ && hour_s > hour_s_) return hour_s_;
  for (int i = 0; i < kMostTries; ++i) {
    const auto tried_s = hour_s - i * kHourS;
    if (fd_ && tried_s == hour_s_) return hour_s_;
    if (can_take(tried_s)) return tried_s;
    refused_s_ = hour_s;
  }
  throw IoError("open", path_of(hour_s), std::make_error_code(std::errc::file_exists));
}

void SegmentWriter::rotate(UnixNanos now) {
  // Renamed or removed: what is in it was counted or will be, and what comes now is for the log.
  if (fd_ && inode_at(path_) != inode_) fd_.reset();
  const auto wanted_s = segment_hour_s(segment_path(segments_.prefix(), now), segments_.prefix());
  // Of a clock that was set back by less than an hour the end of the later hour is used on. One
  // that was far ahead, or somebody's file of a later year, holds nothing up.
  const bool is_ahead = wanted_s && hour_s_ > *wanted_s + kHourS;
  const auto latest_s = is_ahead ? *wanted_s : std::max(hour_s_, wanted_s.value_or(0));
  const auto hour_s = fd_ && latest_s == hour_s_ ? hour_s_ : hour_to_write(latest_s);
  const bool is_same = fd_ && hour_s == hour_s_;
  if (!is_same) {
    fd_.reset();
    path_ = path_of(hour_s);
    fd_ = open_to_append(path_);
    hour_s_ = hour_s;
    inode_ = inode_of(fd_.get(), path_);
    written_ = {hour_s, inode_};
  }
  // Others write a shared log, and any may be cut short.
  const auto size = files_.size(fd_.get(), path_);
  if (is_same && size == end_) return;
  end_ = size;
  starts_line_ = ends_in_newline();
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

bool SegmentWriter::settle(const Step& step, const WrittenSegment& written) {
  if (step.length == 0) return true;
  const auto path = path_of(step.hour_s);
  fd_.reset();  // whatever we thought of its end
  if (!segments_.open(files_, path) || !is_appendable(path)) return false;
  const auto fd = open_to_append(path);
  const auto size = files_.size(fd.get(), path);
  const bool is_other_file = written.inode != 0 && written.hour_s == step.hour_s &&
                             written.inode != inode_of(fd.get(), path);
  if (is_other_file) return false;
  if (holds(path, fd.get(), step, size)) return true;
  // Longer than the batch and not the batch: somebody else's lines, which are not ours to cut.
  const bool is_ours = writers_ == Writers::alone && size < step.offset + step.length;
  if (is_ours && size > step.offset) files_.truncate(fd.get(), step.offset, path);
  return false;
}

}  // namespace manhattan::log
