// SPDX-License-Identifier: MIT
#include "tests/support/cutting_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string_view>

#include "base/error.h"

namespace manhattan::tests {
namespace {

base::UniqueFd new_socket() {
  return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

/// Hands on what there is; false at the end.
bool pass(int from, int to) {
  char bytes[65536];
  const auto size = ::recv(from, bytes, sizeof bytes, 0);
  return size > 0 && ::send(to, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
}

}  // namespace

CuttingProxy::CuttingProxy(const std::string& path, const std::string& server_path, Cut cut)
    : path_(path), server_path_(server_path), cut_(cut), listener_(new_socket()) {
  const auto address = address_of(path_);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 1) != 0)
    throw IoError("listen at", path_, last_error());
  thread_ = std::thread([this] { serve(); });
}

CuttingProxy::~CuttingProxy() {
  ::shutdown(listener_.get(), SHUT_RDWR);  // where nobody connected
  thread_.join();
  ::unlink(path_.c_str());
}

void CuttingProxy::serve() {
  const base::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto server = new_socket();
  const auto address = address_of(server_path_);
  if (!client ||
      ::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return;
  pollfd ends[] = {{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}};
  while (::poll(ends, 2, -1) > 0) {
    if (ends[1].revents != 0 && !pass(server.get(), client.get())) return;
    if (ends[0].revents != 0 && !pass_request(client.get(), server.get())) return;
  }
}

bool CuttingProxy::pass_request(int client, int server) {
  char bytes[64];
  const auto size = ::recv(client, bytes, sizeof bytes, MSG_PEEK);
  const std::string_view seen(bytes, size < 0 ? 0 : static_cast<std::size_t>(size));
  if (!is_armed_ || seen.find("\3COMMIT") == std::string_view::npos) return pass(client, server);
  if (cut_ == Cut::before) return false;
  char answer;
  pass(client, server);
  return ::recv(server, &answer, 1, 0) < 0;  // it has answered: the end
}

}  // namespace manhattan::tests
