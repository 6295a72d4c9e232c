// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <string>

namespace manhattan::wrap {

/// Where a stream socket is.
struct SocketAddress {
  std::string text;  ///< as it was given
  sockaddr_storage bytes{};
  socklen_t size = 0;

  /// A path (with a slash, or after `unix:`) or HOST:PORT, `[::1]:9000` included; a host's name is
  /// looked up here. ConfigError for an address that is none.
  static SocketAddress parse(const std::string& text);

  /// The same ConfigError, but no host's name is looked up: for a check of the text alone.
  static void check(const std::string& text);

  bool is_path() const noexcept { return bytes.ss_family == AF_UNIX; }
  /// Of a UNIX socket.
  std::string path() const;
  const sockaddr* generic() const noexcept { return reinterpret_cast<const sockaddr*>(&bytes); }
};

}  // namespace manhattan::wrap
