// SPDX-License-Identifier: MIT
#include "base/denial.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

namespace manhattan::base {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_database(const char* path) { return {std::fopen(path, "re"), std::fclose}; }

// The files themselves and not getgrgid(3): a program that is linked statically can't ask NSS.
std::string group_name(gid_t gid) {
  const auto file = open_database("/etc/group");
  while (const auto* group = file ? ::fgetgrent(file.get()) : nullptr) {
    if (group->gr_gid == gid) return group->gr_name;
  }
  return std::to_string(gid);
}

std::string user_name(uid_t uid) {
  const auto file = open_database("/etc/passwd");
  while (const auto* user = file ? ::fgetpwent(file.get()) : nullptr) {
    if (user->pw_uid == uid) return user->pw_name;
  }
  return std::to_string(uid);
}

bool is_listed(const std::string& user, gid_t gid) {
  const auto file = open_database("/etc/group");
  while (const auto* group = file ? ::fgetgrent(file.get()) : nullptr) {
    if (group->gr_gid != gid) continue;
    for (char** member = group->gr_mem; *member != nullptr; ++member) {
      if (user == *member) return true;
    }
  }
  return false;
}

bool is_member(gid_t gid) {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(0, count)));
  return gid == ::getegid() || std::ranges::find(groups, gid) != groups.end();
}

/// The first folder on the way to `path` that can't be gone through; else `path`.
std::string barrier_on_the_way_to(const std::string& path) {
  for (auto slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const auto folder = path.substr(0, slash);
    if (::access(folder.c_str(), X_OK) != 0 && errno == EACCES) return folder;
  }
  return path;
}

}  // namespace

std::string denial_of(const std::string& path) {
  const auto barrier = barrier_on_the_way_to(path);
  auto sentence = "permission denied on '" + path + "'";
  if (barrier != path) sentence += ", which is in '" + barrier + "'";
  struct stat status {};
  if (::stat(barrier.c_str(), &status) != 0) return sentence;
  const mode_t needed = S_ISDIR(status.st_mode) ? S_IXGRP : S_IRGRP | S_IWGRP;
  const auto group = group_name(status.st_gid), user = user_name(::geteuid());
  if ((status.st_mode & needed) != needed || is_member(status.st_gid)) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return sentence + ": it is of mode " + mode + " and belongs to " + user_name(status.st_uid) +
           ':' + group;
  }
  if (is_listed(user, status.st_gid))
    return sentence + ": " + user + " is in group " + group +
           ", but not in this session: log in again";
  return sentence + ": join group " + group + " (usermod -aG " + group + ' ' + user + ")";
}

}  // namespace manhattan::base
