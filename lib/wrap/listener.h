// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "wrap/socket_access.h"
#include "wrap/socket_address.h"

namespace manhattan::wrap {

/// A socket on which web servers reach us.
///
/// Owns:    the socket, and the path of a UNIX socket it made: removed with it.
/// Errors:  ConfigError for an address that is none; IoError naming the address otherwise.
class Listener {
 public:
  /// At what SocketAddress parses. A UNIX socket that nobody listens on any more is replaced, and
  /// is `access`'s before anybody can connect. ConfigError for an access to a TCP socket.
  static Listener open(const std::string& text, const SocketAccess& access = {});

  /// What systemd (LISTEN_FDS) handed over, or descriptor 0 as spawn-fcgi does; empty where there
  /// is neither. No child will inherit them.
  static std::vector<Listener> inherited();

  Listener(Listener&& other) noexcept;
  ~Listener();

  /// Made by open(): nobody else answers who connects.
  bool is_ours() const noexcept { return is_ours_; }
  /// Leaves the path to another process that shares the socket.
  void release_path() noexcept { path_.clear(); }
  int fd() const noexcept { return socket_.get(); }

 private:
  Listener(base::UniqueFd socket, bool is_ours) : socket_(std::move(socket)), is_ours_(is_ours) {}
  static Listener open_unix(const SocketAddress& address, const SocketAccess& access);

  base::UniqueFd socket_;
  bool is_ours_;
  std::string path_;  ///< made by us; else empty
  ino_t inode_ = 0;   ///< what we made: a successor's socket at that path is not ours to remove
};

}  // namespace manhattan::wrap
