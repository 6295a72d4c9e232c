// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "log/segment.h"

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

/// The machine's files, of which some operations fail.
class FailingFiles final : public base::SystemFiles {
 public:
  std::int64_t bytes_left = INT64_MAX;  ///< then the disk is full; what fits is written
  bool can_open = true;
  bool can_rename = true;

  base::UniqueFd open_append(const std::string& path, unsigned mode) override {
    if (!can_open) fail("open", path, std::errc::permission_denied);
    return SystemFiles::open_append(path, mode);
  }
  void write_all(int fd, std::string_view bytes, const std::string& path) override {
    const auto fitting =
        std::min<std::int64_t>(bytes_left, static_cast<std::int64_t>(bytes.size()));
    SystemFiles::write_all(fd, bytes.substr(0, static_cast<std::size_t>(fitting)), path);
    bytes_left -= fitting;
    if (fitting < static_cast<std::int64_t>(bytes.size())) {
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
  for (const auto& path : log::list_segments(files, prefix)) text += base::read_file(path);
  return text;
}

}  // namespace manhattan::testing
