// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "log/drain.h"
#include "log/ring_log.h"
#include "log/segment.h"
#include "ring/ring_file.h"

namespace manhattan::testing {

/// A new folder, removed with all that is in it.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/manhattan-log-test-XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

 private:
  std::string path_;
};

/// Stands still until it is told to go on.
class SetClock final : public base::Clock {
 public:
  UnixNanos now() const noexcept override { return time; }
  UnixNanos time{std::chrono::seconds(1'800'000'000)};
};

/// The machine's files, of which some operations fail, or are told of.
class FailingFiles final : public base::SystemFiles {
 public:
  std::int64_t bytes_left = INT64_MAX;  ///< then the disk is full; what fits is written
  bool can_open = true;
  bool can_rename = true;
  bool fails_after_write = false;  ///< all of it is written, and nobody gets to know
  std::function<void()> before_write;

  base::UniqueFd open_append(const std::string& path, unsigned mode) override {
    if (!can_open) fail("open", path, std::errc::permission_denied);
    return SystemFiles::open_append(path, mode);
  }
  base::UniqueFd open_shared(const std::string& path, unsigned mode) override {
    if (!can_open) fail("open", path, std::errc::permission_denied);
    return SystemFiles::open_shared(path, mode);
  }
  void write_all(int fd, std::string_view bytes, const std::string& path) override {
    if (before_write) before_write();
    const auto fitting =
        std::min<std::int64_t>(bytes_left, static_cast<std::int64_t>(bytes.size()));
    SystemFiles::write_all(fd, bytes.substr(0, static_cast<std::size_t>(fitting)), path);
    bytes_left -= fitting;
    if (fails_after_write || fitting < static_cast<std::int64_t>(bytes.size())) {
      fail("write", path, std::errc::no_space_on_device);
    }
  }
  void rename(const std::string& from, const std::string& to) override {
    if (!can_rename) fail("rename", from, std::errc::permission_denied);
    SystemFiles::rename(from, to);
  }

 private:
  [[noreturn]] static void fail(const char* action, const std::string& path, std::errc why) {
    throw IoError(action, path, std::make_error_code(why));
  }
};

/// The whole text log of `prefix`, its segments one after the other.
inline std::string text_of(const std::string& prefix) {
  base::SystemFiles files;
  std::string text;
  for (const auto& path : log::Segments(prefix).list(files)) text += base::read_file(path);
  return text;
}

inline constexpr std::uint64_t kRingBytes = 512 << 10;  // one shard of 8,192 cells

/// A folder with names for a ring and a log, and what reads and writes them.
struct Host {
  Folder folder;
  SetClock clock;
  FailingFiles files;
  std::string ring = folder / "ring";
  std::string prefix = folder / "log";

  void make_ring() { ring::ensure_ring(files, ring, kRingBytes); }
  RingLog writer() { return RingLog(ring, prefix, files); }
  log::Drain drain(const std::string& path) { return log::Drain(path, prefix, files, clock); }
  log::Drain drain() { return drain(ring); }
  bool has(const std::string& name) const {
    const auto names = folder.names();
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  bool has_spill() const {
    const auto names = folder.names();
    return std::any_of(names.begin(), names.end(),
                       [](const auto& name) { return name.starts_with("log.spill"); });
  }
  void fill_ring(RingLog& log) {
    for (const std::size_t length : {10000, 1000, 100, 10}) {
      const std::string line = std::string(length, '-') + "\n";
      while (log.append(clock.time, line) == Append::written) ++filler;
      ++filler;  // the one that spilled
    }
  }
  int filler = 0;
};

}  // namespace manhattan::testing
