// SPDX-License-Identifier: MIT
#include "log/spill.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/error.h"
#include "ring/frame.h"

namespace manhattan::log {
namespace {

// The group's: web workers under several users spill into one file, and the server takes it in.
constexpr unsigned kMode = 0660;
// Each failure means that the server has just renamed the file; it does not do that often.
constexpr int kMostTries = 16;
constexpr std::uint64_t kMostNumber = std::uint64_t{1} << 62;

std::uint64_t checksum_of(std::int64_t at_ns, std::string_view line) noexcept {
  return ring::bind(ring::digest(line.data(), line.size()), 0, at_ns, 0);
}

std::optional<std::uint64_t> parse_hex(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Locked, and still the file that a server will look for.
bool is_kept(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw IoError("stat", path, last_error());
  if (status.st_nlink == 0) return false;
  // The umask may have taken the group's right to write from the file that we made.
  if ((status.st_mode & kMode) != kMode && status.st_uid == ::geteuid()) {
    if (::fchmod(fd, kMode) != 0) throw IoError("change mode of", path, last_error());
  }
  return true;
}

}  // namespace

void append_spilled(UnixNanos at, std::string_view line, std::string& out) {
  const auto at_ns = at.time_since_epoch().count();
  char head[40];
  const int size =
      std::snprintf(head, sizeof head, "\n%016llx %016llx ", static_cast<unsigned long long>(at_ns),
                    static_cast<unsigned long long>(checksum_of(at_ns, line)));
  out.append(head, static_cast<std::size_t>(size)).append(line);
}

std::optional<SpilledLine> parse_spilled(std::string_view text) noexcept {
  if (text.size() < 35 || text[16] != ' ' || text[33] != ' ') return std::nullopt;
  const auto at = parse_hex(text.substr(0, 16));
  const auto checksum = parse_hex(text.substr(17, 16));
  const auto line = text.substr(34);
  const auto at_ns = static_cast<std::int64_t>(at.value_or(0));
  if (!at || checksum != checksum_of(at_ns, line)) return std::nullopt;
  return SpilledLine{UnixNanos(std::chrono::nanoseconds(at_ns)), line};
}

std::optional<std::uint64_t> spill_number(std::string_view path, const std::string& prefix) {
  const auto begin = spill_path(prefix) + ".";
  if (!path.starts_with(begin)) return std::nullopt;
  const auto digits = path.substr(begin.size());
  std::uint64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  const bool is_plain = !digits.empty() && (digits.front() != '0' || digits.size() == 1);
  if (!is_plain || error != std::errc{} || stop != end || number > kMostNumber) return std::nullopt;
  return number;
}

SpillWriter::SpillWriter(std::string prefix, base::Files& files)
    : path_(spill_path(prefix)), files_(files) {}

base::UniqueFd SpillWriter::open_and_lock() {
  for (int i = 0; i < kMostTries; ++i) {
    auto fd = files_.open_shared(path_, kMode);
    const bool is_locked = ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0;
    if (!is_locked && errno != EWOULDBLOCK) throw IoError("lock", path_, last_error());
    if (is_locked && is_kept(fd.get(), path_)) return fd;
  }
  throw IoError("lock", path_, std::make_error_code(std::errc::resource_unavailable_try_again));
}

void SpillWriter::append(UnixNanos at, std::string_view line) {
  if (line.size() > kMaxSpillBytes) {
    throw IoError("spill to", path_, std::make_error_code(std::errc::message_size));
  }
  text_.clear();
  append_spilled(at, line, text_);
  const auto fd = open_and_lock();
  files_.write_all(fd.get(), text_, path_);
}

}  // namespace manhattan::log
