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

/// Neither closed nor with bytes on it that belong to no request.
bool is_usable(int socket) noexcept {
  char byte;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

}  // namespace

std::optional<Upstream::Connection> Upstream::take_kept() {
  const std::lock_guard lock(mutex_);
  while (!kept_.empty()) {
    auto socket = std::move(kept_.back().socket);
    kept_.pop_back();
    if (is_usable(socket.get())) return Connection(*this, std::move(socket), true);
  }
  return {};
}

std::optional<Upstream::Connection> Upstream::open(const std::function<bool()>& is_wanted) {
  {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) kept_.erase(kept_.begin());
  }
  base::UniqueFd socket(::socket(address_.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  if (!address_.is_path()) {
    const int yes = 1;  // a question is one write, and its answer is waited for
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  const int why = connect(socket.get(), is_wanted);
  if (why == 0) return Connection(*this, std::move(socket), false);
  socket.reset();
  errno = why;
  return {};
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

void Upstream::close_idle(std::chrono::seconds limit) {
  const auto oldest = std::chrono::steady_clock::now() - limit;
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const Kept& kept) { return kept.since < oldest; });
}

Upstream::Connection::Connection(Connection&& other) noexcept
    : upstream_(other.upstream_),
      socket_(std::move(other.socket_)),
      was_kept_(other.was_kept_),
      is_proven_(other.is_proven_),
      is_starving_(std::exchange(other.is_starving_, false)) {}

Upstream::Connection::~Connection() { prove(); }

void Upstream::Connection::prove() noexcept {
  is_proven_ = true;
  if (!std::exchange(is_starving_, false)) return;
  const std::lock_guard lock(upstream_.mutex_);
  --upstream_.starving_;
}

void Upstream::Connection::starve() {
  if (is_proven_ || std::exchange(is_starving_, true)) return;
  const std::lock_guard lock(upstream_.mutex_);
  ++upstream_.starving_;
  upstream_.kept_.clear();
}

void Upstream::Connection::keep() {
  const std::lock_guard lock(upstream_.mutex_);
  if (upstream_.starving_ > 0) return socket_.reset();
  upstream_.kept_.push_back({std::move(socket_), std::chrono::steady_clock::now()});
}

}  // namespace manhattan::wrap
