// SPDX-License-Identifier: MIT
#include "log/segment.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <system_error>

#include "base/error.h"
#include "record/text_codec.h"

namespace manhattan::log {
namespace {

constexpr std::int64_t kHourS = 3600;
// Mostly the first line is a record, and little is read.
constexpr std::size_t kFirstBytes = 4096;
constexpr std::size_t kPieceBytes = 1 << 20;
// So that a foreign file of any size costs a moment.
constexpr std::uint64_t kMostSearchedBytes = 16 << 20;
constexpr std::size_t kJudgedBytes = 64 * 1024;

std::string_view without_suffix(std::string_view path) noexcept {
  const auto* compression = compression_of(path);
  if (compression != nullptr) path.remove_suffix(compression->suffix.size());
  return path;
}

/// What comes behind the prefix and a dot, as far as it looks like a number.
bool is_numbered(std::string_view path, const std::string& prefix) noexcept {
  if (!path.starts_with(prefix + ".")) return false;
  auto digits = path.substr(prefix.size() + 1);
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  return !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
}

/// Lines of a piece of a file, by what they are. Empty ones say nothing, nor do lines of `#` alone,
/// which forgetting leaves of short ones.
struct Lines {
  std::size_t records = 0;
  std::size_t others = 0;
  std::size_t bytes = 0;  ///< up to the last newline
};

Lines lines_of(std::string_view text) {
  Lines lines;
  std::string scratch;
  Record record;
  for (std::size_t end; (end = text.find('\n', lines.bytes)) != text.npos; lines.bytes = end + 1) {
    const auto line = text.substr(lines.bytes, end - lines.bytes);
    if (line.find_first_not_of("#\r") == line.npos) continue;
    const auto verdict = record::decode(line, scratch, record);
    const bool is_record = verdict == record::Verdict::ok || verdict == record::Verdict::forgotten;
    ++(is_record ? lines.records : lines.others);
  }
  return lines;
}

/// A line of ours that has not got its newline yet.
bool may_become_record(std::string_view text) noexcept {
  constexpr std::string_view kBegin = "1\t";
  return text.starts_with(kBegin) || kBegin.starts_with(text);
}

bool begins_as_its_name_says(const std::string& stored) {
  const auto* compression = compression_of(stored);
  if (compression == nullptr) return true;
  base::SystemFiles files;
  const auto fd = files.open_read(stored);
  std::array<char, 4> head;
  const std::string_view begin(head.data(), fd ? files.read_at(fd.get(), head, 0, stored) : 0);
  // A frame that decoders skip may come first: RFC 8878.
  const bool is_skippable = compression->format == Inflater::Format::zstd && begin.size() == 4 &&
                            (begin[0] & 0xf0) == 0x50 && begin.ends_with("\x2a\x4d\x18");
  return is_skippable || begin.starts_with(compression->magic) ||
         compression->magic.starts_with(begin);
}

}  // namespace

const Compression* compression_of(std::string_view path) noexcept {
  const auto* found = std::ranges::find_if(
      kCompressed, [&](const Compression& each) { return path.ends_with(each.suffix); });
  return found == std::end(kCompressed) ? nullptr : found;
}

std::string segment_path(const std::string& prefix, UnixNanos at) {
  const auto hour = std::chrono::floor<std::chrono::hours>(at);
  const auto epoch = std::chrono::duration_cast<std::chrono::seconds>(hour.time_since_epoch());
  return prefix + "." + std::to_string(epoch.count());
}

std::optional<std::int64_t> segment_hour_s(std::string_view path, const std::string& prefix) {
  if (!path.starts_with(prefix + ".")) return std::nullopt;
  const auto digits = path.substr(prefix.size() + 1);
  std::int64_t hour_s = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, hour_s);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  // Written as we write it: two names of one hour would be counted under one.
  const bool is_plain = digits.front() != '-' && (digits.front() != '0' || digits.size() == 1);
  if (!is_plain || hour_s % kHourS != 0 || hour_s > record::kMostTime.count()) return std::nullopt;
  return hour_s;
}

std::optional<std::string> stored_path(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return path;
  for (const auto& compression : kCompressed) {
    const auto stored = path + std::string(compression.suffix);
    if (::lstat(stored.c_str(), &status) == 0) return stored;
  }
  return std::nullopt;
}

std::uint64_t inode_of(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw IoError("stat", path, last_error());
  return status.st_ino;
}

std::optional<std::uint64_t> inode_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

Segments::Segments(std::string prefix, Tell tell, std::size_t most_told)
    : prefix_(std::move(prefix)), tell_(std::move(tell)), most_told_(most_told) {}

std::vector<std::string> Segments::list(base::Files& files) {
  const auto own = prefix_.substr(0, prefix_.size() - base::name_of(prefix_).size());
  std::vector<std::pair<std::int64_t, std::string>> segments;
  std::vector<std::string> others;
  for (const auto& name : files.list(base::folder_of(prefix_))) {
    const auto path = own + name;
    const std::string plain(without_suffix(path));
    if (const auto hour_s = segment_hour_s(plain, prefix_)) {
      segments.emplace_back(*hour_s, plain);
    } else if (is_numbered(plain, prefix_)) {
      others.push_back(path);
    }
  }
  tell_names(others);
  std::sort(segments.begin(), segments.end());
  segments.erase(std::unique(segments.begin(), segments.end()), segments.end());
  std::vector<std::string> paths;
  for (auto& [hour_s, path] : segments) paths.push_back(std::move(path));
  return paths;
}

base::UniqueFd Segments::open(base::Files& files, const std::string& path) {
  const auto stored = stored_path(path);
  struct stat status {};
  if (!stored || ::lstat(stored->c_str(), &status) != 0) return {};
  const char* other = S_ISLNK(status.st_mode)   ? "it is a link"
                      : S_ISDIR(status.st_mode) ? "it is a folder"
                      : S_ISREG(status.st_mode) ? nullptr
                                                : "it is no regular file";
  if (other != nullptr) {
    tell(*stored, other);
    return {};
  }
  try {
    if (begins_as_its_name_says(*stored)) return files.open_read(path);
    tell(*stored, "it is not compressed as its name says");
  } catch (const base::RefusedError& error) {
    tell(*stored, error.why);
  } catch (const IoError& error) {
    if (error.code != std::errc::permission_denied) throw;
    tell(*stored, error.what());
  }
  return {};
}

Segments::Holds Segments::look(base::Files& files, int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw IoError("stat", path, last_error());
  Stranger found{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                 status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec, 0};
  {
    const std::lock_guard lock(mutex_);
    const auto known = strangers_.find(path);
    if (known != strangers_.end() && known->second.device == found.device &&
        known->second.inode == found.inode) {
      const auto& last = known->second;
      if (last.stored_bytes == found.stored_bytes && last.changed_ns == found.changed_ns)
        return Holds::others;
      if (last.stored_bytes <= found.stored_bytes) found.searched_bytes = last.searched_bytes;
    }
  }
  std::string piece;
  std::string_view rest;
  auto& searched = found.searched_bytes;
  bool has_other = searched > 0;
  for (auto most = kFirstBytes; searched < kMostSearchedBytes; most = kPieceBytes) {
    piece.resize(most);
    piece.resize(files.read_at(fd, piece, searched, path));
    const auto lines = lines_of(piece);
    if (lines.records > 0) return Holds::records;
    const bool is_end = piece.size() < most;
    const bool is_one_long_line = !is_end && lines.bytes == 0 && most == kPieceBytes;
    has_other = has_other || lines.others > 0 || is_one_long_line;
    searched += is_one_long_line ? piece.size() : lines.bytes;
    if (is_end) {
      rest = std::string_view(piece).substr(lines.bytes);
      break;
    }
  }
  if (!has_other && may_become_record(rest)) return Holds::no_line;
  tell(stored_path(path).value_or(path), "no record stands in it");
  const std::lock_guard lock(mutex_);
  strangers_.insert_or_assign(path, found);
  return Holds::others;
}

bool Segments::is_segment(base::Files& files, const std::string& path) {
  const auto fd = open(files, path);
  return fd && look(files, fd.get(), path) == Holds::records;
}

bool Segments::may_be_destroyed(base::Files& files, const std::string& path) {
  const auto fd = open(files, path);
  if (!fd || look(files, fd.get(), path) != Holds::records) return false;
  std::string head(kJudgedBytes, '\0');
  head.resize(files.read_at(fd.get(), head, 0, path));
  const auto lines = lines_of(head);
  if (lines.records > lines.others) return true;
  tell(stored_path(path).value_or(path), "most of its first lines are no records");
  return false;
}

void Segments::tell_names(const std::vector<std::string>& names) {
  std::set<std::string> fresh;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(names, std::inserter(fresh, fresh.end()),
                         [this](const auto& name) { return told_names_.insert(name).second; });
  }
  if (fresh.empty() || !tell_) return;
  const auto rest = fresh.size() - 1;
  tell_("'" + *fresh.begin() + "'" + (rest == 0 ? "" : " and " + std::to_string(rest) + " more") +
        " beside the log: named after no hour, so not of it and left alone");
}

void Segments::tell(const std::string& path, const std::string& why) {
  bool is_one_too_many = false;
  {
    const std::lock_guard lock(mutex_);
    if (told_.size() > most_told_ || !told_.insert(path + why).second) return;
    is_one_too_many = told_.size() > most_told_;
  }
  if (!tell_) return;
  if (is_one_too_many) return tell_("more files beside '" + prefix_ + "' are left alone");
  tell_("'" + path + "' is left alone, for it is no hour of the log: " + why);
}

}  // namespace manhattan::log
