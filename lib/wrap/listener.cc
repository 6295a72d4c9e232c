// SPDX-License-Identifier: MIT
#include "wrap/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace manhattan::wrap {
namespace {

constexpr int kFirstInherited = 3;  // sd_listen_fds(3)

void require(bool is_done, const std::string& address) {
  if (!is_done) throw IoError("listen on", address, last_error());
}

bool is_listening(int fd) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

int number_of(const char* text) noexcept {
  int number = 0;
  if (text) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

base::UniqueFd new_socket(int family, const std::string& address) {
  base::UniqueFd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  require(bool(socket), address);
  return socket;
}

void accept_without_waiting(int fd) noexcept {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace

Listener Listener::open(const std::string& text, const SocketAccess& access) {
  const auto address = SocketAddress::parse(text);
  if (address.is_path()) return open_unix(address, access);
  if (access.is_given()) {
    throw ConfigError("socket '" + text + "' is no path: it has neither mode nor owner");
  }
  Listener listener(new_socket(address.bytes.ss_family, text), true);
  const int yes = 1;
  ::setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  require(::bind(listener.fd(), address.generic(), address.size) == 0, text);
  require(::listen(listener.fd(), SOMAXCONN) == 0, text);
  return listener;
}

Listener Listener::open_unix(const SocketAddress& address, const SocketAccess& access) {
  const auto path = address.path();
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    const auto probe = new_socket(AF_UNIX, path);
    // Only a refusal says that nobody listens there: full (EAGAIN) is somebody.
    if (::connect(probe.get(), address.generic(), address.size) != 0 && errno == ECONNREFUSED) {
      ::unlink(path.c_str());
    }
  }
  Listener listener(new_socket(AF_UNIX, path), true);
  require(::bind(listener.fd(), address.generic(), address.size) == 0, path);
  require(::stat(path.c_str(), &status) == 0, path);
  listener.path_ = path;
  listener.inode_ = status.st_ino;
  access.apply(path);
  require(::listen(listener.fd(), SOMAXCONN) == 0, path);
  return listener;
}

std::vector<Listener> Listener::inherited() {
  std::vector<Listener> listeners;
  if (number_of(std::getenv("LISTEN_PID")) == ::getpid()) {
    const int count = number_of(std::getenv("LISTEN_FDS"));
    for (int fd = kFirstInherited; fd < kFirstInherited + count; ++fd) {
      if (!is_listening(fd))
        throw ConfigError("LISTEN_FDS names a descriptor that does not listen");
      accept_without_waiting(fd);
      listeners.push_back(Listener(base::UniqueFd(fd), false));
    }
  }
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (listeners.empty() && is_listening(STDIN_FILENO)) {
    // A child must never have a listening socket as its input: it would take it for FastCGI.
    base::UniqueFd moved(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kFirstInherited));
    base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    require(moved && null && ::dup2(null.get(), STDIN_FILENO) == STDIN_FILENO, "descriptor 0");
    accept_without_waiting(moved.get());
    listeners.push_back(Listener(std::move(moved), false));
  }
  return listeners;
}

Listener::Listener(Listener&& other) noexcept
    : socket_(std::move(other.socket_)),
      is_ours_(other.is_ours_),
      path_(std::exchange(other.path_, {})),
      inode_(other.inode_) {}

Listener::~Listener() {
  struct stat status {};
  if (path_.empty() || ::stat(path_.c_str(), &status) != 0 || status.st_ino != inode_) return;
  ::unlink(path_.c_str());
}

}  // namespace manhattan::wrap
