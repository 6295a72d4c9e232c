// SPDX-License-Identifier: MIT
#include "log/keeper.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/replacement.h"
#include "log/deflater.h"
#include "log/line_reader.h"

namespace manhattan::log {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// A writer that asked for the time just before the hour's end, and was held up, has written by
// then.
constexpr minutes kGrace{10};
constexpr hours kDay{24};
constexpr minutes kRetry{1};
constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::uint64_t kSyncBytes = 256 << 20;
constexpr std::string_view kSuffix = ".zst";

/// What an hour may be stored as, the plain file first: while it is there, it is what is read.
std::vector<std::string> stored_files(const std::string& path) {
  std::vector<std::string> stored{path};
  for (const auto& compression : kCompressed)
    stored.push_back(path + std::string(compression.suffix));
  std::erase_if(stored, [](const auto& each) { return stored_path(each) != each; });
  return stored;
}

}  // namespace

Keeper::Keeper(std::string prefix, Rules rules, base::Files& files, Counted counted,
               base::MessageLog& messages)
    : segments_(std::move(prefix), [this](const auto& what) { messages_.warning_once(what); }),
      // A damaged file is the worker's to tell.
      archive_([](const std::string&) {}, &pulse_),
      rules_(rules),
      files_(files),
      ask_counted_(std::move(counted)),
      messages_(messages) {}

UnixNanos Keeper::pass(UnixNanos now, const std::optional<Pointer>& declared,
                       std::chrono::nanoseconds has_run) {
  const base::Working working(pulse_);
  counted_.reset();
  is_left_ = false;
  const auto attempt = [&](const std::string& path, auto action) {
    if (is_stopping_) return;
    pulse_.beat();
    try {
      action(path);
    } catch (const IoError& error) {
      is_left_ = true;
      messages_.warning(error.what());
    }
  };
  std::vector<std::string> kept;
  const auto candidates = finished(now, declared);
  const bool is_believed = is_clock_believed(now, has_run, candidates);
  for (const auto& path : candidates) {
    if (is_believed && is_too_old(path, now)) {
      attempt(path, [&](const auto& each) { remove(each, "its time is over"); });
    } else {
      kept.push_back(path);
    }
  }
  for (const auto& path : kept) attempt(path, [&](const auto& each) { keep(each); });
  if (rules_.keep_bytes) shrink(kept, attempt);
  if (is_left_) return now + kRetry;
  return std::chrono::floor<hours>(now) + hours(1) + kGrace;
}

template <class Attempt>
void Keeper::shrink(const std::vector<std::string>& kept, const Attempt& attempt) {
  std::uint64_t total = 0;
  for (const auto& path : segments_.list(files_))
    attempt(path, [&](const auto& each) { total += bytes_of(each); });
  for (const auto& path : kept) {
    if (total <= *rules_.keep_bytes) break;
    attempt(path, [&](const auto& each) {
      const auto bytes = bytes_of(each);
      if (remove(each, "the log is too large")) total -= bytes;
    });
  }
}

/// On the disk, of the plain file and of compressed ones. Those of others are not the log's size.
std::uint64_t Keeper::bytes_of(const std::string& path) {
  std::uint64_t total = 0;
  std::error_code gone;
  for (const auto& stored : stored_files(path)) {
    const auto bytes =
        segments_.is_segment(archive_, stored) ? std::filesystem::file_size(stored, gone) : 0;
    if (!gone) total += bytes;
  }
  return total;
}

UnixNanos Keeper::end_of(const std::string& path) const {
  return UnixNanos{std::chrono::seconds(*segment_hour_s(path, segments_.prefix()))} + hours(1);
}

/// Records of a day ago are there.
bool Keeper::is_clock_proven(UnixNanos now, const std::vector<std::string>& segments) {
  return std::ranges::any_of(segments, [&](const auto& path) {
    const auto age = now - end_of(path);
    return age >= kDay && age <= 2 * kDay && segments_.is_segment(archive_, path);
  });
}

bool Keeper::is_clock_believed(UnixNanos now, std::chrono::nanoseconds has_run,
                               const std::vector<std::string>& old) {
  if (!rules_.keep_for) return false;
  if (is_clock_proven(now, segments_.list(files_))) {
    proven_at_ = has_run;
    return true;
  }
  if (has_run - proven_at_ >= kDay) return true;
  if (std::ranges::any_of(old, [&](const auto& path) { return is_too_old(path, now); }))
    messages_.warning_once(
        "no record of a day ago says that the clock is right: nothing is deleted by "
        "its age before the server has run for a day");
  return false;
}

// Oldest first. The newest of all is still written, or tells a server where it had been.
std::vector<std::string> Keeper::finished(UnixNanos now, const std::optional<Pointer>& declared) {
  auto segments = segments_.list(files_);
  for (; !segments.empty() && end_of(segments.back()) > now + kDay; segments.pop_back())
    messages_.warning_once("'" + segments.back() + "' is of the future and left alone");
  while (!segments.empty() && !segments_.is_segment(archive_, segments.back())) segments.pop_back();
  if (!segments.empty()) segments.pop_back();
  const auto& prefix = segments_.prefix();
  const auto declared_hour_s = declared ? segment_hour_s(declared->file, prefix) : std::nullopt;
  std::erase_if(segments, [&](const auto& path) {
    const auto hour_s = *segment_hour_s(path, prefix);
    const UnixNanos begin{std::chrono::seconds(hour_s)};
    return begin + hours(1) + kGrace > now || (declared_hour_s && hour_s >= *declared_hour_s);
  });
  return segments;
}

bool Keeper::is_too_old(const std::string& path, UnixNanos now) const {
  if (!rules_.keep_for) return false;
  return end_of(path) + *rules_.keep_for <= now;
}

void Keeper::keep(const std::string& path) {
  if (rules_.is_compressing && !rules_.dry_run && stored_path(path) == path &&
      may_be_destroyed(path) && is_counted(path))
    compress(path);
}

bool Keeper::is_counted(const std::string& path) {
  const bool is_it = is_known_to_store(path);
  is_left_ = is_left_ || !is_it;
  return is_it;
}

bool Keeper::is_known_to_store(const std::string& path) {
  if (!counted_) counted_ = ask_counted_();
  const auto known = counted_->find(path);
  if (known == counted_->end() || known->second == 0) return false;
  const auto fd = archive_.open_read(path);
  if (!fd || archive_.size(fd.get(), path) == known->second) return bool(fd);
  // What has no newline, or can't be decompressed, is no record and never counts.
  return !LineReader(archive_, path, known->second).next();
}

// Of an hour that is stored twice each file is judged: one may be another program's.
bool Keeper::may_be_destroyed(const std::string& path) {
  const auto stored = stored_files(path);
  return !stored.empty() && std::ranges::all_of(stored, [this](const auto& each) {
    return segments_.may_be_destroyed(archive_, each);
  });
}

void Keeper::compress(const std::string& path) {
  const auto fd = files_.open_read(path);
  const auto size = files_.size(fd.get(), path);
  if (const auto compressed = files_.open_read(path + std::string(kSuffix))) {
    const auto said = said_size(compressed.get(), path);
    if (!said || *said > size) {
      messages_.warning("'" + path + kSuffix.data() + "' holds more than '" + path +
                        "', which is read in its place: both are left alone");
      return;
    }
  }
  if (!write_compressed(fd.get(), size, path)) return;
  // Readers take the plain file, so this one is only in the way if that has grown after all.
  if (files_.size(fd.get(), path) != size) return files_.remove(path + std::string(kSuffix));
  files_.remove(path);
  ++compressed_;
  messages_.info("compressed '" + path + "'");
}

bool Keeper::write_compressed(int from, std::uint64_t size, const std::string& path) {
  base::Replacement replacement(files_, path + std::string(kSuffix));
  Deflater deflater(Inflater::Format::zstd, files_, replacement.fd(), replacement.path());
  std::string piece(kPieceBytes, '\0');
  for (std::uint64_t offset = 0; offset < size;) {
    if (is_stopping_) return false;
    const auto wanted = std::min<std::uint64_t>(kPieceBytes, size - offset);
    const auto got = files_.read_at(from, std::span(piece).first(wanted), offset, path);
    if (got == 0) return false;  // it was cut
    deflater.write(std::string_view(piece).substr(0, got));
    offset += got;
    // Not all of it at the end: a slow disk would keep the watchdog waiting for too long.
    if (offset % kSyncBytes == 0) files_.sync(replacement.fd(), replacement.path());
    pulse_.beat();
  }
  deflater.finish();
  replacement.commit();
  return true;
}

bool Keeper::remove(const std::string& path, const char* why) {
  if (!may_be_destroyed(path) || !is_counted(path)) return false;
  if (rules_.dry_run) {
    rules_.dry_run(path, why);
    return true;
  }
  auto stored = stored_files(path);
  std::ranges::reverse(stored);
  for (const auto& each : stored) files_.remove(each);
  ++deleted_;
  messages_.info("deleted '" + path + "': " + why);
  return true;
}

std::map<std::string, std::int64_t> Keeper::tallies() const {
  return {{"log_compressed", compressed_}, {"log_deleted", deleted_}};
}

}  // namespace manhattan::log
