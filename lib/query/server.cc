// SPDX-License-Identifier: MIT
#include "query/server.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <thread>
#include <zmq.hpp>

#include "query/endpoint.h"

namespace manhattan::query {
namespace {

// A longer frame ends its connection before it takes memory. Requests between kMaxRequestBytes and
// this are answered with an error, which tells the user more.
constexpr std::int64_t kMaxFrameBytes = 1024 * 1024;
// Requests of one client that wait for their turn; more wait in the client.
constexpr int kMaxWaitingRequests = 64;
constexpr int kMaxWaitingAnswers = 1000;
constexpr int kBacklog = 1024;          // connections at one instant
constexpr int kHeartbeatMs = 30'000;    // finds clients whose machine is gone
constexpr int kLingerMs = 100;          // for answers under way when the server stops
constexpr std::size_t kMaxFrames = 16;  // of a message; further ones are read and forgotten

/// A message as ROUTER gives it: whose it is and how to answer, then what is asked.
struct Envelope {
  std::vector<zmq::message_t> address;  ///< identity, and all up to the empty delimiter
  std::vector<zmq::message_t> body;
};

Envelope unwrap(std::vector<zmq::message_t> frames) {
  std::size_t end = 1;  // a DEALER may leave the delimiter out
  for (std::size_t i = 1; i < frames.size(); ++i) {
    if (frames[i].size() != 0) continue;
    end = i + 1;
    break;
  }
  Envelope envelope;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    (i < end ? envelope.address : envelope.body).push_back(std::move(frames[i]));
  }
  return envelope;
}

void bind(zmq::socket_t& socket, const std::string& endpoint) {
  check_endpoint(endpoint);
  check_is_free(endpoint);
  try {
    socket.bind(endpoint);
  } catch (const zmq::error_t& error) {
    const auto code = error.num();
    if (code == EADDRINUSE || code == EACCES || code == EMFILE || code == ENFILE) {
      throw IoError("listen on", endpoint, std::error_code(code, std::generic_category()));
    }
    throw ConfigError("cannot listen on '" + endpoint + "': " + error.what());
  }
}

}  // namespace

struct Server::Loop {
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::router};
  Handler handler;
  std::vector<std::string> endpoints;
  std::atomic<std::int64_t> answered{0}, refused{0}, dropped{0};
  std::thread thread;

  ~Loop();
  void set_limits();
  void run();
  std::vector<zmq::message_t> receive();
  std::string answer(const std::vector<zmq::message_t>& body);
  void send(std::vector<zmq::message_t>& address, const std::string& answer);
};

Server::Loop::~Loop() {
  // libzmq leaves the path behind. Gone before the socket closes: after that, another server may
  // have bound to it.
  for (const auto& endpoint : endpoints) release(endpoint);
}

void Server::Loop::set_limits() {
  socket.set(zmq::sockopt::maxmsgsize, kMaxFrameBytes);
  socket.set(zmq::sockopt::rcvhwm, kMaxWaitingRequests);
  socket.set(zmq::sockopt::sndhwm, kMaxWaitingAnswers);
  socket.set(zmq::sockopt::backlog, kBacklog);
  socket.set(zmq::sockopt::linger, kLingerMs);
  socket.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMs);
  // Without this, an answer to a client that is gone or takes nothing in vanishes uncounted.
  socket.set(zmq::sockopt::router_mandatory, true);
}

std::vector<zmq::message_t> Server::Loop::receive() {
  std::vector<zmq::message_t> frames;
  for (bool has_more = true; has_more;) {
    zmq::message_t frame;
    [[maybe_unused]] const auto size = socket.recv(frame);
    has_more = frame.more();
    if (frames.size() < kMaxFrames) frames.push_back(std::move(frame));
  }
  return frames;
}

std::string Server::Loop::answer(const std::vector<zmq::message_t>& body) {
  try {
    if (body.size() != 1) throw Refusal("RequestError", "not a message of one part");
    auto encoded = encode_value(handler(decode_request(body[0].to_string_view())));
    answered.fetch_add(1, std::memory_order_relaxed);
    return encoded;
  } catch (const Refusal& refusal) {
    refused.fetch_add(1, std::memory_order_relaxed);
    return encode_error(refusal.what());
  } catch (const std::exception& error) {
    refused.fetch_add(1, std::memory_order_relaxed);
    return encode_error(std::string("Error: ") + error.what());
  }
}

void Server::Loop::send(std::vector<zmq::message_t>& address, const std::string& answer) {
  constexpr auto kMore = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
  try {
    for (auto& frame : address) {
      // Only the first can be refused: it chooses the client.
      if (!socket.send(frame, kMore)) {
        dropped.fetch_add(1, std::memory_order_relaxed);
        return;
      }
    }
    const auto sent = socket.send(zmq::buffer(answer), zmq::send_flags::dontwait);
    if (!sent) dropped.fetch_add(1, std::memory_order_relaxed);
  } catch (const zmq::error_t&) {  // EHOSTUNREACH: the client is gone
    dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

// Waits in recv, not in poll: that would ask for the socket's state and then again, four system
// calls more for each question.
void Server::Loop::run() {
  for (;;) {
    try {
      auto envelope = unwrap(receive());
      send(envelope.address, answer(envelope.body));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) return;  // ETERM: stop()
    }
  }
}

Server::Server(const std::vector<std::string>& endpoints, Handler handler)
    : loop_(std::make_unique<Loop>()) {
  loop_->handler = std::move(handler);
  loop_->set_limits();
  for (const auto& endpoint : endpoints) {
    bind(loop_->socket, endpoint);
    loop_->endpoints.push_back(loop_->socket.get(zmq::sockopt::last_endpoint));
  }
}

Server::~Server() {
  stop();
  if (loop_->thread.joinable()) loop_->thread.join();
}

void Server::start() {
  // Signals are the program's: none is to be taken by this thread.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  loop_->thread = std::thread([loop = loop_.get()] { loop->run(); });
  ::pthread_setname_np(loop_->thread.native_handle(), "answer");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Server::stop() noexcept { loop_->context.shutdown(); }

const std::vector<std::string>& Server::endpoints() const noexcept { return loop_->endpoints; }

std::map<std::string, std::int64_t> Server::tallies() const {
  return {{"query_answered", loop_->answered.load(std::memory_order_relaxed)},
          {"query_refused", loop_->refused.load(std::memory_order_relaxed)},
          {"query_dropped", loop_->dropped.load(std::memory_order_relaxed)}};
}

std::string library_version() {
  const auto [major, minor, patch] = zmq::version();
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace manhattan::query
