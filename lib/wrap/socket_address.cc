// SPDX-License-Identifier: MIT
#include "wrap/socket_address.h"

#include <netdb.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "base/error.h"

namespace manhattan::wrap {
namespace {

void set_path(const std::string& path, SocketAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    throw ConfigError("socket path '" + path + "' is empty or over 107 bytes");
  }
  std::copy(path.begin(), path.end(), name.sun_path);
  std::memcpy(&address.bytes, &name, sizeof name);
  address.size = sizeof name;
}

bool is_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  return read.ec == std::errc{} && read.ptr == end;
}

struct HostPort {
  std::string host, port;
};

HostPort split_address(const std::string& text) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (colon == text.npos || host.empty()) {
    throw ConfigError("address '" + text + "' is neither a path nor HOST:PORT");
  }
  // getaddrinfo(3) would take what is left of 65,536 and more.
  if (!is_port(std::string_view(text).substr(colon + 1))) {
    throw ConfigError("address '" + text + "' has no port from 0 to 65535");
  }
  return {host, text.substr(colon + 1)};
}

void set_port(const std::string& text, SocketAddress& address) {
  const auto [host, port] = split_address(text);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int why = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found)) {
    throw ConfigError("address '" + text + "': " + ::gai_strerror(why));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
}

/// The path of a UNIX socket, where `text` is none of HOST:PORT.
std::optional<std::string> path_in(const std::string& text) {
  if (text.starts_with("unix:")) return text.substr(5);
  if (text.find('/') != text.npos) return text;
  return std::nullopt;
}

}  // namespace

SocketAddress SocketAddress::parse(const std::string& text) {
  SocketAddress address{text};
  if (const auto path = path_in(text)) {
    set_path(*path, address);
  } else {
    set_port(text, address);
  }
  return address;
}

void SocketAddress::check(const std::string& text) {
  SocketAddress address{text};
  if (const auto path = path_in(text)) {
    set_path(*path, address);
  } else {
    split_address(text);
  }
}

std::string SocketAddress::path() const {
  return reinterpret_cast<const sockaddr_un*>(&bytes)->sun_path;
}

}  // namespace manhattan::wrap
