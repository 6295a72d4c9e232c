// SPDX-License-Identifier: MIT
#include "wrap/socket_access.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "base/error.h"

namespace manhattan::wrap {
namespace {

std::optional<unsigned> number_of(const std::string& text, int base) noexcept {
  unsigned number = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, base);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end) return {};
  return number;
}

mode_t mode_of(const std::string& text) {
  const auto mode = number_of(text, 8);
  if (!mode || *mode > 0777) {
    throw ConfigError("--socket-mode '" + text + "' is not from 0000 to 0777");
  }
  return *mode;
}

uid_t user_of(const std::string& name) {
  if (const auto number = number_of(name, 10)) return *number;
  if (const auto* user = ::getpwnam(name.c_str())) return user->pw_uid;
  throw ConfigError("--socket-owner: there is no user '" + name + "'");
}

gid_t group_of(const std::string& name) {
  if (const auto number = number_of(name, 10)) return *number;
  if (const auto* group = ::getgrnam(name.c_str())) return group->gr_gid;
  throw ConfigError("--socket-owner: there is no group '" + name + "'");
}

}  // namespace

SocketAccess SocketAccess::parse(const std::string& mode, const std::string& owner) {
  SocketAccess access;
  if (!mode.empty()) access.mode = mode_of(mode);
  const auto colon = owner.find(':');
  if (!owner.empty() && colon != 0) access.owner = user_of(owner.substr(0, colon));
  if (colon != owner.npos) access.group = group_of(owner.substr(colon + 1));
  return access;
}

void SocketAccess::apply(const std::string& path) const {
  // First the owner: chown(2) may clear bits of the mode.
  if ((owner || group) && ::chown(path.c_str(), owner.value_or(static_cast<uid_t>(-1)),
                                  group.value_or(static_cast<gid_t>(-1))) != 0) {
    throw IoError("change owner of", path, last_error());
  }
  if (mode && ::chmod(path.c_str(), *mode) != 0)
    throw IoError("change mode of", path, last_error());
}

}  // namespace manhattan::wrap
