// SPDX-License-Identifier: MIT
#include "wrap/upstream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <cerrno>

namespace manhattan::wrap {
namespace {

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

std::optional<Upstream::Connection> Upstream::open() {
  {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) kept_.erase(kept_.begin());
  }
  base::UniqueFd socket(::socket(address_.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  const timeval limit{kConnectLimit.count(), 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (!address_.is_path()) {
    const int yes = 1;  // a question is one write, and its answer is waited for
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  int result = 0;
  do {
    result = ::connect(socket.get(), address_.generic(), address_.size);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return Connection(*this, std::move(socket), false);
  const int why = errno;
  socket.reset();
  errno = why == EAGAIN || why == EINPROGRESS ? ETIMEDOUT : why;
  return {};
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
