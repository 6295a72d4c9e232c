// SPDX-License-Identifier: MIT
#include "bin/report_serve.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/error.h"
#include "wrap/client.h"

namespace manhattan::program {
namespace {

// Requests come from a web server beside us: one that takes longer is stuck.
constexpr timeval kStallLimit{10, 0};

base::UniqueFd watch_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return base::UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// Nothing that goes wrong with one connection matters to the next.
void answer_one(base::UniqueFd connection, const CgiAnswer& answer) {
  for (const int limit : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(connection.get(), SOL_SOCKET, limit, &kStallLimit, sizeof kStallLimit);
  }
  for (wrap::Connection waiting{std::move(connection)}; waiting;) {
    wrap::Client client(std::move(waiting));
    waiting = client.is_open() ? wrap::Connection{} : client.take_idle();
    if (!client.is_open()) continue;
    client.skip_body();
    if (client.write(answer(client.take_environment()))) client.finish();  // closes it
  }
}

}  // namespace

void answer_cgi(const CgiAnswer& answer) {
  auto client = wrap::Client::plain_cgi();
  if (client.write(answer(client.take_environment()))) return;
  throw IoError("write", "standard output", last_error());
}

void serve_fast_cgi(const std::vector<wrap::Listener>& listeners, const CgiAnswer& answer) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto signals = watch_signals();
  if (!signals) throw IoError("create", "signalfd", last_error());
  std::vector<pollfd> watched = {{signals.get(), POLLIN, 0}};
  for (const auto& listener : listeners) watched.push_back({listener.fd(), POLLIN, 0});
  for (;;) {
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
      throw IoError("watch", "socket", last_error());
    }
    if (watched.front().revents != 0) return;
    for (const auto& listener : listeners) {
      base::UniqueFd connection(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (connection) answer_one(std::move(connection), answer);
    }
  }
}

}  // namespace manhattan::program
