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

void require(bool is_done, const char* action, const std::string& path) {
  if (!is_done) throw IoError(action, path, last_error());
}

}  // namespace

UniqueFd SystemFiles::open_append(const std::string& path, unsigned mode) {
  // Not to wait at a device; of no effect on a regular file.
  constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  UniqueFd fd(::open(path.c_str(), kFlags, mode));
  require(bool(fd), "open", path);
  struct stat status {};
  require(::fstat(fd.get(), &status) == 0, "stat", path);
  if (!S_ISREG(status.st_mode))
    throw IoError("append to what is no regular file,", path,
                  std::make_error_code(std::errc::operation_not_permitted));
  return fd;
}

UniqueFd SystemFiles::open_read(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  require(fd || errno == ENOENT, "open", path);
  return fd;
}

UniqueFd SystemFiles::open_update(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  require(bool(fd), "open", path);
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
  require(::rename(from.c_str(), to.c_str()) == 0, "rename", from);
}

void SystemFiles::remove(const std::string& path) {
  require(::unlink(path.c_str()) == 0 || errno == ENOENT, "remove", path);
}

std::vector<std::string> SystemFiles::list(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), ::closedir);
  require(directory != nullptr, "list", folder);
  std::vector<std::string> names;
  while (const auto* entry = ::readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

void sync_folder(Files& files, const std::string& path) {
  const auto folder = folder_of(path);
  const auto fd = files.open_read(folder);
  require(bool(fd), "open", folder);
  files.sync(fd.get(), folder);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string read_file(const std::string& path) {
  SystemFiles files;
  const auto fd = files.open_read(path);
  require(bool(fd), "open", path);
  std::string bytes;
  char chunk[65536];
  while (const auto got = files.read_at(fd.get(), chunk, bytes.size(), path))
    bytes.append(chunk, got);
  return bytes;
}

}  // namespace manhattan::base
