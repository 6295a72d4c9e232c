// SPDX-License-Identifier: MIT
#include "query/endpoint.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "base/denial.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace manhattan::query {
namespace {

constexpr const char* kTcp = "tcp://";
constexpr const char* kIpc = "ipc://";

/// 0 where somebody accepts connections at `path`, else why that can't be told.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;  // libzmq says so, too
  std::memcpy(address.sun_path, path.data(), path.size());
  const base::UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return errno;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  // EAGAIN: there, but its queue of connections is full.
  return ::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN ? 0 : errno;
}

/// The same of `HOST:PORT`, which has some time to answer.
bool is_port_served(const std::string& text) {
  constexpr int kPatienceMs = 500;
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  const base::UniqueFd probe(
      ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return false;
  if (::connect(probe.get(), found->ai_addr, found->ai_addrlen) == 0) return true;
  pollfd waiting{probe.get(), POLLOUT, 0};
  if (errno != EINPROGRESS || ::poll(&waiting, 1, kPatienceMs) != 1) return false;
  int failure = 0;
  socklen_t size = sizeof failure;
  return ::getsockopt(probe.get(), SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
}

/// Whether `HOST:PORT` ends in a port. libzmq itself would cut 99999 to 16 bits.
bool has_port(const std::string& endpoint) {
  const auto colon = endpoint.rfind(':');
  if (colon <= 6) return false;
  const auto text = endpoint.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text == "*" || (error == std::errc{} && *end == '\0' && port <= 65535);
}

/// The path that `endpoint` takes in the file system; empty where it takes none.
std::string path_of(const std::string& endpoint) {
  if (!endpoint.starts_with(kIpc)) return {};
  auto path = endpoint.substr(6);
  if (path.starts_with('@') || path == "*") return {};  // an abstract name, or a fresh one
  return path;
}

}  // namespace

void check_endpoint(const std::string& endpoint) {
  const bool is_tcp = endpoint.starts_with(kTcp) && has_port(endpoint);
  const bool is_ipc = endpoint.starts_with(kIpc) && endpoint.size() > 6;
  if (is_tcp || is_ipc) return;
  throw ConfigError("endpoint '" + endpoint + "' is neither tcp://HOST:PORT nor ipc://PATH");
}

void check_is_allowed(const std::string& endpoint) {
  const auto path = path_of(endpoint);
  if (path.empty() || connect_to(path) != EACCES) return;
  throw Error(base::denial_of(path));
}

bool is_served(const std::string& endpoint) {
  if (endpoint.starts_with(kTcp)) return is_port_served(endpoint.substr(6));
  const auto path = path_of(endpoint);
  return !path.empty() && connect_to(path) == 0;
}

void check_is_free(const std::string& endpoint) {
  const auto path = path_of(endpoint);
  struct stat found {};
  if (path.empty() || ::lstat(path.c_str(), &found) != 0) return;
  if (!S_ISSOCK(found.st_mode)) {
    throw ConfigError("cannot listen on '" + endpoint + "': there is a file that is no socket");
  }
  if (connect_to(path) == 0) {
    throw IoError("listen on", endpoint, std::make_error_code(std::errc::address_in_use));
  }
}

void release(const std::string& endpoint) noexcept {
  const auto path = path_of(endpoint);
  if (!path.empty()) ::unlink(path.c_str());
}

}  // namespace manhattan::query
