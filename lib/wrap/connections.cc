// SPDX-License-Identifier: MIT
#include "wrap/connections.h"

#include <sys/epoll.h>

#include <cerrno>

namespace manhattan::wrap {

Connection Parking::park(Connection connection) {
  const int fd = connection.socket.get();
  const std::lock_guard lock(mutex_);
  if (is_closed_) return connection;
  // In the map before it is watched: take() may come at once.
  parked_[fd] = {std::move(connection), std::chrono::steady_clock::now()};
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  event.data.fd = fd;
  const bool is_watched = ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0 ||
                          (errno == ENOENT && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
  if (!is_watched) parked_.erase(fd);
  return {};
}

Connection Parking::take(int fd) {
  const std::lock_guard lock(mutex_);
  const auto found = parked_.find(fd);
  if (found == parked_.end()) return {};
  auto connection = std::move(found->second.connection);
  parked_.erase(found);
  return connection;
}

void Parking::close_idle(std::chrono::seconds limit) {
  const auto oldest = std::chrono::steady_clock::now() - limit;
  const std::lock_guard lock(mutex_);
  std::erase_if(parked_, [&](const auto& entry) { return entry.second.since < oldest; });
}

std::vector<Connection> Parking::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  std::vector<Connection> connections;
  for (auto& [fd, parked] : parked_) connections.push_back(std::move(parked.connection));
  parked_.clear();
  return connections;
}

Connection ReadyQueue::push(Connection connection) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_ || waiting_.size() >= capacity_) return connection;
    waiting_.push_back(std::move(connection));
  }
  is_ready_.notify_one();
  return {};
}

std::optional<Connection> ReadyQueue::pop() {
  std::unique_lock lock(mutex_);
  is_ready_.wait(lock, [&] { return is_closed_ || !waiting_.empty(); });
  if (waiting_.empty()) return {};
  auto connection = std::move(waiting_.front());
  waiting_.pop_front();
  return connection;
}

void ReadyQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  is_ready_.notify_all();
}

}  // namespace manhattan::wrap
