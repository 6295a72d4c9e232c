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

Tailer::Tailer(base::Files& files, std::string prefix,
               std::map<std::string, std::uint64_t> consumed, Declared declared,
               Segments::Tell tell)
    : files_(files),
      segments_(std::make_unique<Segments>(std::move(prefix), std::move(tell))),
      declared_(std::move(declared)),
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
    if (end > consumed_[path]) {
      if (is_of_others()) {
        each = hot_.erase(each);
        continue;
      }
      if (auto batch = read(path, end, most_lines)) return batch;
    }
    // Nothing to read now: whoever appends says so with touch(). A segment that is not declared
    // whole stays, for its next declaration comes without one.
    const bool is_waiting =
        declared_ && open_.fd && files_.size(open_.fd.get(), path) > consumed_[path];
    each = is_waiting ? std::next(each) : hot_.erase(each);
  }
  return std::nullopt;
}

bool Tailer::open(const std::string& path) {
  if (open_.path == path && open_.fd) return true;
  if (open_.path != path && unsynced_.erase(open_.path) > 0) sync_beside(std::move(open_));
  open_ = {path, segments_->open(files_, path)};
  return bool(open_.fd);
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
  if (declared->file == path) return std::min(size, declared->offset);
  const auto declared_hour_s = segment_hour_s(declared->file, prefix());
  return declared_hour_s && hour_s > *declared_hour_s ? 0 : size;
}

std::optional<Batch> Tailer::read(const std::string& path, std::uint64_t end,
                                  std::int64_t most_lines) {
  auto& consumed = consumed_[path];
  buffer_.resize(std::min<std::uint64_t>(kChunkBytes, end - consumed));
  buffer_.resize(files_.read_at(open_.fd.get(), buffer_, consumed, path));
  Batch batch{path, consumed, whole_lines(buffer_, most_lines), 0};
  if (batch.lines.empty() && buffer_.size() < kChunkBytes) return std::nullopt;
  if (batch.lines.empty()) batch.skipped_bytes = kChunkBytes;  // no line is that long
  consumed += batch.lines.size() + batch.skipped_bytes;
  unsynced_.insert(path);
  return batch;
}

void Tailer::sync() {
  for (const auto& path : unsynced_) {
    if (const auto fd = files_.open_read(path)) files_.sync(fd.get(), path);
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
    lag += size - std::min(size, consumed_[path]);
  }
  return lag;
}

}  // namespace manhattan::log
