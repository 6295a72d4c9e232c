// SPDX-License-Identifier: MIT
#include "wrap/upstream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <cerrno>

namespace manhattan::wrap {
namespace {

// How late it may be noticed that nobody wants the connection any more.
constexpr std::chrono::microseconds kConnectSlice{100'000};

}  // namespace

base::UniqueFd Upstream::connect(const std::function<bool()>& is_wanted) const {
  base::UniqueFd socket(::socket(address_.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return socket;
  if (!address_.is_path()) {
    const int yes = 1;  // a question is one write, and its answer is waited for
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  const int why = connect(socket.get(), is_wanted);
  if (why == 0) return socket;
  socket.reset();
  errno = why;
  return socket;
}

/// 0, or why there is no connection. Waits in slices, for a full queue of a UNIX socket's can't be
/// polled; Linux goes on waiting where the last slice ended, for TCP, too.
int Upstream::connect(int socket, const std::function<bool()>& is_wanted) const {
  const timeval slice{0, kConnectSlice.count()};
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice);
  const auto end = std::chrono::steady_clock::now() + kConnectLimit;
  while (::connect(socket, address_.generic(), address_.size) != 0) {
    if (errno == EISCONN) break;  // a signal came in the moment that it was there
    const bool goes_on =
        errno == EAGAIN || errno == EINPROGRESS || errno == EALREADY || errno == EINTR;
    if (!goes_on) return errno;
    if (!is_wanted()) return ECANCELED;
    if (std::chrono::steady_clock::now() >= end) return ETIMEDOUT;
  }
  return 0;
}

}  // namespace manhattan::wrap
