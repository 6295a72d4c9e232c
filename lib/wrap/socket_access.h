// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace manhattan::wrap {

/// Who may connect to a UNIX socket.
struct SocketAccess {
  std::optional<mode_t> mode;  ///< none: as the umask has it
  std::optional<uid_t> owner;
  std::optional<gid_t> group;

  /// Of `0660`, and of `USER`, `USER:GROUP` or `:GROUP`, names or numbers; empty texts are none.
  /// ConfigError naming what is wrong.
  static SocketAccess parse(const std::string& mode, const std::string& owner);

  bool is_given() const noexcept { return mode || owner || group; }
  /// Gives the socket at `path`, which nobody can reach yet, to whom it says. IoError.
  void apply(const std::string& path) const;
};

}  // namespace manhattan::wrap
