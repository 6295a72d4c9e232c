// SPDX-License-Identifier: MIT
#include "base/folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

namespace manhattan::base {
namespace {

// Each failure means that the name has just become another file's, as a spill file's does when the
// server takes it.
constexpr int kMostTries = 16;
constexpr int kLooks = 4;
constexpr const char* kLink = "it is a link";
constexpr const char* kFolder = "it is a folder";
constexpr const char* kNoFile = "it is no regular file";

bool is_of_our_groups(gid_t group) {
  if (group == ::getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return std::ranges::find(groups, group) != groups.end();
}

}  // namespace

RefusedError::RefusedError(const std::string& action, const std::string& path, std::string reason)
    : IoError("cannot " + action + " '" + path + "': " + reason,
              std::make_error_code(std::errc::operation_not_permitted)),
      why(std::move(reason)) {}

Folder::Folder(std::string path)
    : path_(std::move(path)), fd_(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (!fd_) throw IoError("open", path_, last_error());
  if (::fstat(fd_.get(), &status_) != 0) throw IoError("stat", path_, last_error());
  const bool is_owned = status_.st_uid == ::geteuid() || status_.st_uid == 0;
  // An access control list that lets others write shows in the group's bits.
  is_shared_ = !is_owned || (status_.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

std::string Folder::path_of(const std::string& name) const {
  return path_ == "." ? name : path_ == "/" ? path_ + name : path_ + "/" + name;
}

UniqueFd Folder::open(const std::string& name, int flags, unsigned mode, Maker maker) const {
  return open(name, flags, mode, maker, is_shared_ ? Links::refused : Links::followed);
}

UniqueFd Folder::open_plain(const std::string& name, int flags, unsigned mode, Maker maker) const {
  return open(name, flags, mode, maker, Links::refused);
}

UniqueFd Folder::open(const std::string& name, int flags, unsigned mode, Maker maker,
                      Links links) const {
  for (int i = 0; i < kMostTries; ++i) {
    auto fd = open_once(name, flags, mode, links);
    if (!fd) return fd;
    check_type(fd.get(), name, links);
    if (!is_shared_ || is_of_name(fd.get(), name, maker)) return fd;
  }
  throw IoError("open", path_of(name),
                std::make_error_code(std::errc::resource_unavailable_try_again));
}

UniqueFd Folder::open_once(const std::string& name, int flags, unsigned mode, Links links) const {
  const bool must_be_plain = links == Links::refused;
  // O_NONBLOCK: the opening of a fifo would wait for its other end.
  const int safe = flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (must_be_plain ? O_NOFOLLOW : 0);
  UniqueFd fd(::openat(fd_.get(), name.c_str(), safe, mode));
  if (!fd) {
    const auto why = last_error();
    if (why == std::errc::no_such_file_or_directory && (flags & O_CREAT) == 0) return {};
    if (why == std::errc::too_many_symbolic_link_levels && must_be_plain)
      throw RefusedError("open", path_of(name), kLink);
    if (why == std::errc::is_a_directory) throw RefusedError("open", path_of(name), kFolder);
    // A socket, or a fifo that nobody reads.
    if (why == std::errc::no_such_device_or_address)
      throw RefusedError("open", path_of(name), kNoFile);
    throw IoError((flags & O_EXCL) != 0 ? "make" : "open", path_of(name), why);
  }
  return fd;
}

UniqueFd Folder::open_itself() const {
  UniqueFd fd(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw IoError("open", path_, last_error());
  return fd;
}

void Folder::check_type(int fd, const std::string& name, Links links) const {
  struct stat file {};
  if (::fstat(fd, &file) != 0) throw IoError("stat", path_of(name), last_error());
  if (S_ISDIR(file.st_mode)) throw RefusedError("open", path_of(name), kFolder);
  if (S_ISREG(file.st_mode)) return;
  if (links == Links::refused) throw RefusedError("open", path_of(name), kNoFile);
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
    throw IoError("open", path_of(name), last_error());
}

// Its number of names counts only while `name` is one of them: a hard link to another's file,
// opened and then taken away, leaves a file of one name. While the kernel replaces a name, the
// number is less already and the name still there. So it is looked at several times, and between
// two looks all that changes the folder is waited for: to rename what is there to itself takes the
// folder's lock, and does nothing.
bool Folder::is_of_name(int fd, const std::string& name, Maker maker) const {
  struct stat file {};
  if (::fstat(fd, &file) != 0) throw IoError("stat", path_of(name), last_error());
  for (int i = 0; i < kLooks; ++i) {
    const auto named = status(name);
    if (!named || named->st_dev != file.st_dev || named->st_ino != file.st_ino) return false;
    check_shared(*named, name, maker);
    ::renameat2(fd_.get(), name.c_str(), fd_.get(), name.c_str(), RENAME_NOREPLACE);
  }
  return true;
}

void Folder::check(const std::string& name) const {
  const auto file = is_shared_ ? status(name) : std::nullopt;
  if (!file) return;
  if (S_ISLNK(file->st_mode)) throw RefusedError("open", path_of(name), kLink);
  if (!S_ISREG(file->st_mode)) throw RefusedError("open", path_of(name), kNoFile);
  check_shared(*file, name, Maker::us);
}

void Folder::check_shared(const struct stat& file, const std::string& name, Maker maker) const {
  const auto refuse = [&](const std::string& why) {
    throw RefusedError("open", path_of(name), why + ", and others may write its folder");
  };
  if (file.st_nlink > 1) refuse("it has a second name (a hard link)");
  if (!is_maker(file, maker))
    refuse("it belongs to user " + std::to_string(file.st_uid) + " and group " +
           std::to_string(file.st_gid));
}

bool Folder::is_maker(const struct stat& file, Maker maker) const {
  if (file.st_uid == ::geteuid() || file.st_uid == 0 || file.st_uid == status_.st_uid) return true;
  if (maker == Maker::us) return false;
  const bool is_of_folder = (status_.st_mode & S_IWGRP) != 0 && file.st_gid == status_.st_gid;
  return is_of_folder || is_of_our_groups(file.st_gid);
}

std::optional<struct stat> Folder::status(const std::string& name) const {
  struct stat found {};
  if (::fstatat(fd_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) return found;
  if (errno == ENOENT) return std::nullopt;
  throw IoError("stat", path_of(name), last_error());
}

void Folder::rename(const std::string& from, const std::string& to) const {
  if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) != 0)
    throw IoError("rename", path_of(from), last_error());
}

void Folder::remove(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    throw IoError("remove", path_of(name), last_error());
}

UniqueFd open_named(const std::string& path, int flags, unsigned mode) {
  return Folder(folder_of(path)).open(name_of(path), flags, mode, Maker::us);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace manhattan::base
