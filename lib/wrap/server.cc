// SPDX-License-Identifier: MIT
#include "wrap/server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "base/error.h"
#include "wrap/client.h"
#include "wrap/exchange.h"

namespace manhattan::wrap {
namespace {

constexpr std::size_t kMaxExcess = 1024;  // waiting for their 503; beyond it a connection is closed
constexpr std::chrono::seconds kSweepEvery{5};
// For the web server to send the rest of a request it has begun, or to take some of an answer.
constexpr std::chrono::seconds kStallLimit{120};
// For a connection that was made before we were told to stop to send its request: web servers send
// it at once.
constexpr std::chrono::seconds kFirstRequestLimit{5};

/// Descriptors 0 to 2 exist, so that no pipe of ours takes their numbers.
void hold_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd > STDERR_FILENO) ::close(fd);
}

base::UniqueFd watch_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return base::UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void limit_stalls(int connection) {
  const timeval limit{kStallLimit.count(), 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/// Whether a request has come on a connection between two requests: it would be lost with it.
bool has_request(const Connection& connection) {
  char first = 0;
  return !connection.ahead.empty() ||
         ::recv(connection.socket.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

Server::Server(Settings settings, base::MessageLog& messages)
    : settings_(std::move(settings)),
      messages_(messages),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      parking_(epoll_.get()),
      ready_(settings_.max_waiting),
      excess_(kMaxExcess),
      passed_(settings_.passed, !settings_.roots.empty()),
      upstream_(settings_.upstream ? std::optional<Upstream>(*settings_.upstream) : std::nullopt) {
  if (!epoll_) throw IoError("create", "epoll", last_error());
  if (settings_.load) middleware_ = settings_.load();
  hold_standard_descriptors();
  ::signal(SIGPIPE, SIG_IGN);  // where nobody reads, write() says so
}

void Server::run(std::vector<Listener> listeners) {
  signals_ = watch_signals();
  if (!signals_) throw IoError("create", "signalfd", last_error());
  watch(signals_.get());
  for (const auto& listener : listeners) watch(listener.fd());
  reaper_.emplace(messages_);
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < settings_.jobs; ++i) workers.emplace_back([this] { work(); });
  workers.emplace_back([this] { turn_away(); });
  loop(listeners);
  is_stopping_ = true;
  for (const auto& listener : listeners) {
    // Else systemd has the socket, too, and our successor finds there who has connected.
    if (listener.is_ours()) accept_from(listener.fd());
  }
  listeners.clear();  // nobody connects from here on; what was accepted is served
  take_last_requests();
  ready_.close();
  excess_.close();
  for (auto& worker : workers) worker.join();
  reaper_.reset();
}

void Server::run_plain_cgi() {
  reaper_.emplace(messages_);
  auto workplace = make_workplace();
  const auto log = settings_.make_log ? settings_.make_log() : nullptr;
  workplace.log = log.get();
  auto client = Client::plain_cgi();
  wrap::serve(client, workplace, middleware().get());
  reaper_.reset();
}

/// Programs are to find the limit of descriptors that we had ourselves.
std::vector<Limit> Server::limits() const {
  std::vector<Limit> limits{{RLIMIT_NOFILE, raise_descriptor_limit()}};
  const auto add = [&](__rlimit_resource resource, std::uint64_t most) {
    rlimit own{};
    if (most == 0 || ::getrlimit(resource, &own) != 0) return;
    const auto value = std::min<rlim_t>(most, own.rlim_max);  // nobody but root may raise it
    limits.push_back({resource, {value, value}});
  };
  add(RLIMIT_AS, settings_.memory_bytes);
  add(RLIMIT_NPROC, settings_.processes);
  return limits;
}

Workplace Server::make_workplace() {
  Workplace workplace{upstream_ ? &*upstream_ : nullptr,
                      settings_.fixed,
                      settings_.roots,
                      passed_,
                      settings_.takes_search_words,
                      settings_.silence_limit,
                      settings_.time_limit,
                      limits_,
                      messages_,
                      *reaper_};
  workplace.null_device.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return workplace;
}

void Server::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw IoError("watch", "socket", last_error());
  }
}

void Server::loop(const std::vector<Listener>& listeners) {
  std::array<epoll_event, 64> events;
  const auto is_listener = [&](int fd) {
    return std::any_of(listeners.begin(), listeners.end(),
                       [&](const Listener& listener) { return listener.fd() == fd; });
  };
  const auto sweep_every = std::min(kSweepEvery, settings_.idle_limit);
  auto swept = std::chrono::steady_clock::now();
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(),
                                   static_cast<int>(sweep_every.count()) * 1000);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == signals_.get()) {
        if (!take_signal()) return;
      } else if (is_listener(fd)) {
        accept_from(fd);
      } else if (auto connection = parking_.take(fd)) {
        dispatch(std::move(connection));
      }
    }
    if (std::chrono::steady_clock::now() - swept < sweep_every) continue;
    swept = std::chrono::steady_clock::now();
    parking_.close_idle(settings_.idle_limit);
  }
}

void Server::accept_from(int listener) {
  for (int i = 0; i < 64; ++i) {
    base::UniqueFd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) {
      limit_stalls(connection.get());
      dispatch({std::move(connection)});
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      messages_.error("cannot accept: " + last_error().message());
      // The connection stays in the backlog; without a pause this thread would spin on it.
      ::usleep(10'000);
    }
    return;
  }
}

/// Nothing has come yet on a new connection, mostly: then it is parked until something does.
void Server::dispatch(Connection connection) {
  char first = 0;
  const auto got = ::recv(connection.socket.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got == 0) return;
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) connection = parking_.park(std::move(connection));
    return;
  }
  queue(std::move(connection));
}

void Server::queue(Connection connection) {
  connection = ready_.push(std::move(connection));
  if (connection) connection = excess_.push(std::move(connection));
  if (connection) messages_.error("no room for a request: its connection was closed");
}

Connection Server::put_back(Connection connection) {
  if (connection && connection.ahead.empty()) connection = parking_.park(std::move(connection));
  if (!connection) return {};
  if (is_stopping_) return has_request(connection) ? std::move(connection) : Connection{};
  queue(std::move(connection));
  return {};
}

void Server::take_last_requests() {
  std::vector<Connection> fresh;
  for (auto& connection : parking_.close()) {
    if (has_request(connection)) {
      queue(std::move(connection));
    } else if (connection.is_new) {
      fresh.push_back(std::move(connection));
    }
  }
  const auto due = std::chrono::steady_clock::now() + kFirstRequestLimit;
  while (!fresh.empty() && std::chrono::steady_clock::now() < due) {
    std::vector<pollfd> watched;
    for (const auto& connection : fresh) watched.push_back({connection.socket.get(), POLLIN, 0});
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
    ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    std::vector<Connection> silent;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      if (watched[i].revents == 0) {
        silent.push_back(std::move(fresh[i]));
      } else if (has_request(fresh[i])) {
        queue(std::move(fresh[i]));
      }
    }
    fresh = std::move(silent);
  }
}

bool Server::take_signal() {
  signalfd_siginfo info;
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return true;
  if (info.ssi_signo != SIGHUP) return false;
  reload();
  return true;
}

void Server::reload() {
  try {
    messages_.reopen();
    if (!settings_.load) return;
    auto fresh = settings_.load();
    const std::lock_guard lock(mutex_);
    middleware_ = std::move(fresh);
  } catch (const Error& error) {
    // A mistake in a file must not stop a running server: it goes on with what it had.
    messages_.error(std::string("not reloaded: ") + error.what());
  }
}

std::shared_ptr<const Middleware> Server::middleware() {
  const std::lock_guard lock(mutex_);
  return middleware_;
}

void Server::work() {
  auto workplace = make_workplace();
  const auto log = settings_.make_log ? settings_.make_log() : nullptr;
  workplace.log = log.get();
  while (auto connection = ready_.pop()) {
    try {
      serve(std::move(*connection), workplace);
    } catch (const std::exception& error) {
      // Out of memory, mostly. It costs this request, whose connection is closed, and no other.
      messages_.error(std::string("request given up: ") + error.what());
    }
  }
}

void Server::serve(Connection connection, Workplace& workplace) {
  while (connection) {
    Client client(std::move(connection));
    if (!client.is_open()) {
      connection = put_back(client.take_idle());
      continue;
    }
    if (client.is_too_large()) {
      messages_.error("431: a request of more than 1000 variables or 1 MiB of them");
      connection = put_back(wrap::turn_away(client, "431 Request Header Fields Too Large"));
      continue;
    }
    const auto current = middleware();
    connection = put_back(wrap::serve(client, workplace, current.get()));
  }
}

void Server::turn_away() {
  while (auto connection = excess_.pop()) {
    while (*connection) {
      Client client(std::move(*connection));
      *connection = put_back(client.is_open() ? wrap::turn_away(client, "503 Service Unavailable")
                                              : client.take_idle());
    }
  }
}

}  // namespace manhattan::wrap
