// SPDX-License-Identifier: MIT
#include "tests/bench/query_floor.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cstdio>
#include <cstdlib>

namespace manhattan::bench {
namespace {

constexpr int kMostBytes = 4096;

void require(bool is_done, const char* what) {
  if (is_done) return;
  std::perror(what);
  std::exit(1);
}

/// Starts a process that does `work`, given its end of a pair of sockets; the other end.
template <class Work>
int start(pid_t& child, Work work) {
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  child = ::fork();
  require(child >= 0, "fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[0]);
    work(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  return ends[0];
}

void echo_bytes(int socket) {
  char bytes[kMostBytes];
  for (;;) {
    const auto got = ::read(socket, bytes, sizeof bytes);
    if (got <= 0 || ::write(socket, bytes, static_cast<std::size_t>(got)) != got) return;
  }
}

/// Says on `ready` where it is bound, then answers each message with itself.
void echo_messages(int ready, const std::string& endpoint) {
  void* context = ::zmq_ctx_new();
  void* socket = ::zmq_socket(context, ZMQ_ROUTER);
  require(::zmq_bind(socket, endpoint.c_str()) == 0, "zmq_bind");
  char bound[256];
  std::size_t size = sizeof bound;
  ::zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size);
  require(::write(ready, bound, size) == static_cast<ssize_t>(size), "write");
  zmq_msg_t message;
  ::zmq_msg_init(&message);
  while (::zmq_msg_recv(&message, socket, 0) >= 0)
    ::zmq_msg_send(&message, socket, ::zmq_msg_more(&message) != 0 ? ZMQ_SNDMORE : 0);
}

}  // namespace

Echo::~Echo() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

SocketEcho::SocketEcho() : socket_(start(child_, echo_bytes)) {}

SocketEcho::~SocketEcho() { ::close(socket_); }

void SocketEcho::ask(const std::string& bytes) {
  char answer[kMostBytes];
  const auto size = static_cast<ssize_t>(bytes.size());
  require(::write(socket_, bytes.data(), bytes.size()) == size, "write");
  require(::read(socket_, answer, sizeof answer) == size, "read");
}

ZmqEcho::ZmqEcho(const std::string& endpoint) {
  // An abstract name leaves no file behind.
  const bool is_tcp = endpoint.starts_with("tcp:");
  const auto own = is_tcp ? "tcp://127.0.0.1:*" : "ipc://@manhattan-" + std::to_string(::getpid());
  const int ready = start(child_, [&](int ready) { echo_messages(ready, own); });
  char bound[256] = {};
  require(::read(ready, bound, sizeof bound - 1) > 0, "read");
  ::close(ready);
  context_ = ::zmq_ctx_new();
  socket_ = ::zmq_socket(context_, ZMQ_REQ);
  require(::zmq_connect(socket_, bound) == 0, "zmq_connect");
}

ZmqEcho::~ZmqEcho() {
  ::zmq_close(socket_);
  ::zmq_ctx_term(context_);
}

void ZmqEcho::ask(const std::string& bytes) {
  char answer[kMostBytes];
  const auto size = static_cast<int>(bytes.size());
  require(::zmq_send(socket_, bytes.data(), bytes.size(), 0) == size, "zmq_send");
  require(::zmq_recv(socket_, answer, sizeof answer, 0) == size, "zmq_recv");
}

}  // namespace manhattan::bench
