// SPDX-License-Identifier: MIT
#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/write.h"

namespace manhattan::base {
namespace {

constexpr int kAppend = O_RDWR | O_APPEND;

void require(bool is_done, const char* action, const std::string& path) {
  if (!is_done) throw IoError(action, path, last_error());
}

void require_found(bool is_found, const std::string& path) {
  if (!is_found)
    throw IoError("open", path, std::make_error_code(std::errc::no_such_file_or_directory));
}

UniqueFd open_to_read(const std::string& path, Maker maker) {
  try {
    return Folder(folder_of(path)).open(name_of(path), O_RDONLY, 0, maker);
  } catch (const RefusedError&) {
    throw;
  } catch (const IoError& error) {  // nor is there a file where there is no folder
    if (error.code == std::errc::no_such_file_or_directory) return {};
    throw;
  }
}

}  // namespace

UniqueFd SystemFiles::open_append(const std::string& path, unsigned mode) {
  return Folder(folder_of(path)).open_plain(name_of(path), kAppend | O_CREAT, mode, Maker::us);
}

UniqueFd SystemFiles::open_shared(const std::string& path, unsigned mode) {
  return Folder(folder_of(path)).open_plain(name_of(path), kAppend | O_CREAT, mode, Maker::group);
}

UniqueFd SystemFiles::create(const std::string& path, unsigned mode) {
  return Folder(folder_of(path))
      .open_plain(name_of(path), kAppend | O_CREAT | O_EXCL, mode, Maker::us);
}

UniqueFd SystemFiles::open_read(const std::string& path) {
  return open_to_read(path, Maker::group);
}

UniqueFd SystemFiles::open_own(const std::string& path) { return open_to_read(path, Maker::us); }

UniqueFd SystemFiles::open_update(const std::string& path) {
  auto fd = Folder(folder_of(path)).open_plain(name_of(path), O_RDWR, 0, Maker::group);
  require_found(bool(fd), path);
  return fd;
}

void SystemFiles::write_all(int fd, std::string_view bytes, const std::string& path) {
  require(base::write_all(fd, bytes), "write", path);
}

void SystemFiles::write_at(int fd, std::string_view bytes, std::uint64_t offset,
                           const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    require(written > 0, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

std::size_t SystemFiles::read_at(int fd, std::span<char> into, std::uint64_t offset,
                                 const std::string& path) {
  std::size_t total = 0;
  while (total < into.size()) {
    const auto got =
        ::pread(fd, into.data() + total, into.size() - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    require(got >= 0, "read", path);
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

std::uint64_t SystemFiles::size(int fd, const std::string& path) {
  struct stat status {};
  require(::fstat(fd, &status) == 0, "stat", path);
  return static_cast<std::uint64_t>(status.st_size);
}

void SystemFiles::sync(int fd, const std::string& path) {
  require(::fdatasync(fd) == 0, "sync", path);
}

void SystemFiles::truncate(int fd, std::uint64_t size, const std::string& path) {
  require(::ftruncate(fd, static_cast<off_t>(size)) == 0, "truncate", path);
}

void SystemFiles::rename(const std::string& from, const std::string& to) {
  const auto folder = folder_of(from);
  if (folder_of(to) != folder)
    throw IoError("rename", from, std::make_error_code(std::errc::cross_device_link));
  Folder(folder).rename(name_of(from), name_of(to));
}

void SystemFiles::remove(const std::string& path) { Folder(folder_of(path)).remove(name_of(path)); }

std::vector<std::string> SystemFiles::list(const std::string& folder) {
  auto fd = Folder(folder).open_itself();
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  require(directory != nullptr, "list", folder);
  fd.release();  // the directory closes it
  std::vector<std::string> names;
  while (const auto* entry = ::readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

void sync_folder(Files& files, const std::string& path) {
  const auto folder = folder_of(path);
  const auto fd = Folder(folder).open_itself();
  files.sync(fd.get(), folder);
}

std::string read_all(Files& files, int fd, const std::string& path) {
  std::string bytes;
  char chunk[65536];
  while (const auto got = files.read_at(fd, chunk, bytes.size(), path)) bytes.append(chunk, got);
  return bytes;
}

std::string read_file(const std::string& path) {
  SystemFiles files;
  const auto fd = files.open_read(path);
  require_found(bool(fd), path);
  return read_all(files, fd.get(), path);
}

}  // namespace manhattan::base
