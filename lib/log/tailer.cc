// SPDX-License-Identifier: MIT
#include "log/tailer.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace manhattan::log {
namespace {

// Segments that were left, each with its descriptor: so many are synced in one go, for to wake a
// thread for each would cost as much as to count some of its records.
constexpr std::size_t kSyncedAtOnce = 32;
constexpr std::size_t kMostSyncing = 2;  // times so many

/// The lines of `bytes` that have their newline, at most so many.
std::string_view whole_lines(std::string_view bytes, std::int64_t most_lines) noexcept {
  // A line has a byte at least: mostly that is enough to know.
  if (std::cmp_less_equal(bytes.size(), most_lines)) {
    return bytes.substr(0, bytes.rfind('\n') + 1);  // npos + 1 is 0
  }
  std::size_t end = 0;
  for (; most_lines > 0; --most_lines) {
    const auto newline = bytes.find('\n', end);
    if (newline == std::string_view::npos) break;
    end = newline + 1;
  }
  return bytes.substr(0, end);
}

}  // namespace

Tailer::Tailer(base::Files& files, std::string prefix, ConsumedSegments consumed, Declared declared,
               Segments::Tell tell)
    : files_(files),
      segments_(std::make_unique<Segments>(std::move(prefix), tell)),
      declared_(std::move(declared)),
      tell_(std::move(tell)),
      consumed_(std::move(consumed)) {
  rescan();
}

void Tailer::rescan() {
  for (const auto& path : segments_->list(files_)) touch(path);
}

void Tailer::touch(const std::string& path) {
  if (const auto hour_s = segment_hour_s(path, prefix())) hot_[*hour_s] = path;
}

std::optional<Batch> Tailer::next(std::int64_t most_lines) {
  for (auto each = hot_.begin(); each != hot_.end();) {
    const auto& [hour_s, path] = *each;
    const auto end = open(path) ? readable_bytes(path, hour_s) : 0;
    if (end > consumed_[path].offset) {
      if (is_of_others()) {
        each = hot_.erase(each);
        continue;
      }
      if (auto batch = read(path, end, most_lines)) return batch;
    }
    if (open_replacement(path)) continue;
    // Nothing to read now: whoever appends says so with touch(). A segment that is not declared
    // whole stays, for its next declaration comes without one.
    const bool is_waiting =
        declared_ && open_.fd && files_.size(open_.fd.get(), path) > consumed_[path].offset;
    each = is_waiting ? std::next(each) : hot_.erase(each);
  }
  return std::nullopt;
}

bool Tailer::open(const std::string& path) {
  if (open_.path != path || !open_.fd) {
    if (open_.fd && unsynced_.erase(open_.path) > 0) sync_beside(std::move(open_));
    open_ = {path};
    open_.is_plain = stored_path(path) == path;
    open_.fd = segments_->open(files_, path);
    if (open_.fd) open_.inode = inode_of(open_.fd.get(), path);
    if (open_.fd) check_beginning();
  } else if (open_.is_plain) {
    check_beginning();
  }
  return bool(open_.fd);
}

/// False once another file has its name. Removed, or compressed, it is read on as it is.
bool Tailer::is_at_path() const {
  const auto there = inode_at(open_.path);
  return !there || *there == open_.inode;
}

/// Once a segment that lost its name to another file is read to its end: true where that other file
/// is open now. One that the drain still writes to is kept.
bool Tailer::open_replacement(const std::string& path) {
  if (open_.path != path || !open_.fd || !open_.is_plain || is_at_path()) return false;
  const auto declared = declared_ ? declared_() : std::nullopt;
  if (declared && declared->file == path && declared->inode == open_.inode) return false;
  restart("has become another file");
  if (unsynced_.erase(path) > 0) sync_beside(std::move(open_));
  open_ = {};
  return true;
}

/// What is open may be another file than the one that was counted, or have been cut short.
void Tailer::check_beginning() {
  auto& consumed = consumed_[open_.path];
  const auto size = files_.size(open_.fd.get(), open_.path);
  // A compressed file is not read for nothing.
  if (consumed.offset == 0 || (!open_.is_plain && size == consumed.offset)) return;
  if (consumed.begins.is_empty() && !open_.is_plain) return;
  head_.resize(consumed.begins.is_empty() ? Fingerprint::kMostBytes : consumed.begins.bytes());
  head_.resize(files_.read_at(open_.fd.get(), head_, 0, open_.path));
  if (consumed.begins.is_empty())  // counted by a version that kept none, or in a torn line
    consumed.begins.extend(0, std::string_view(head_).substr(0, consumed.offset));
  if (!consumed.begins.matches(head_)) return restart("has become another file");
  if (!open_.is_plain || size >= consumed.offset) return;
  if (size == 0 || consumed.begins.is_empty()) return restart("was cut short");
  if (tell_)
    tell_("'" + open_.path + "', of which " + std::to_string(consumed.offset) +
          " bytes were counted, was cut short to " + std::to_string(size) +
          ": what is appended to it is counted");
  consumed = {size, {}};
  consumed.begins.extend(0, std::string_view(head_).substr(0, size));
}

void Tailer::restart(const std::string& why) {
  auto& consumed = consumed_[open_.path];
  if (tell_)
    tell_("'" + open_.path + "', of which " + std::to_string(consumed.offset) +
          " bytes were counted, " + why + ": it is counted from its beginning");
  consumed = {};
  open_.is_segment = false;
}

bool Tailer::is_of_others() {
  if (open_.is_segment) return false;
  const auto holds = segments_->look(files_, open_.fd.get(), open_.path);
  open_.is_segment = holds == Segments::Holds::records;
  return holds == Segments::Holds::others;
}

std::uint64_t Tailer::readable_bytes(const std::string& path, std::int64_t hour_s) {
  const auto size = files_.size(open_.fd.get(), path);
  const auto declared = declared_ ? declared_() : std::nullopt;
  if (!declared) return size;
  if (declared->file == path) {
    if (declared->inode == 0 || declared->inode == open_.inode)
      return std::min(size, declared->offset);
    // Either the drain has left this file, which is whole then, or it has not come to it yet.
    return is_at_path() ? 0 : size;
  }
  // A drain in this process says where it goes before it writes there; of another only the batch at
  // hand is known.
  if (declared->inode != 0) return size;
  const auto declared_hour_s = segment_hour_s(declared->file, prefix());
  return declared_hour_s && hour_s > *declared_hour_s ? 0 : size;
}

std::optional<Batch> Tailer::read(const std::string& path, std::uint64_t end,
                                  std::int64_t most_lines) {
  auto& [offset, begins] = consumed_[path];
  buffer_.resize(std::min<std::uint64_t>(kChunkBytes, end - offset));
  buffer_.resize(files_.read_at(open_.fd.get(), buffer_, offset, path));
  Batch batch{path, offset, whole_lines(buffer_, most_lines), 0};
  if (batch.lines.empty() && buffer_.size() < kChunkBytes) return std::nullopt;
  if (batch.lines.empty()) batch.skipped_bytes = kChunkBytes;  // no line is that long
  begins.extend(offset, batch.lines);
  batch.begins = begins;
  offset += batch.lines.size() + batch.skipped_bytes;
  unsynced_.insert(path);
  return batch;
}

void Tailer::sync() {
  for (const auto& path : unsynced_) {
    try {
      if (const auto fd = files_.open_read(path)) files_.sync(fd.get(), path);
    } catch (const base::RefusedError&) {  // not what was read: that is gone from the folder
    }
  }
  unsynced_.clear();
  for (const auto& segment : left_) files_.sync(segment.fd.get(), segment.path);
  left_.clear();
  if (syncing_) syncing_->wait();
}

// Even of a file that is on disk already the kernel makes the disk empty its cache, which takes
// milliseconds: a month of segments, one after the other, took as long as to count them.
void Tailer::sync_beside(Open left) {
  left_.push_back(std::move(left));
  if (left_.size() < kSyncedAtOnce) return;
  if (!syncing_) syncing_ = std::make_unique<base::Lane>(kMostSyncing);
  const auto segments = std::make_shared<const std::vector<Open>>(std::exchange(left_, {}));
  syncing_->post([this, segments] {
    for (const auto& segment : *segments) files_.sync(segment.fd.get(), segment.path);
  });
}

std::uint64_t Tailer::lag_bytes() {
  std::uint64_t lag = 0;
  for (const auto& [hour_s, path] : hot_) {
    const auto fd = segments_->open(files_, path);
    if (!fd) continue;
    const auto size = files_.size(fd.get(), path);
    lag += size - std::min(size, consumed_[path].offset);
  }
  return lag;
}

}  // namespace manhattan::log
