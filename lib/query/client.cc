// SPDX-License-Identifier: MIT
#include "query/client.h"

#include <algorithm>
#include <climits>
#include <optional>
#include <zmq.hpp>

namespace manhattan::query {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::int64_t kMaxAnswerBytes = 256 * 1024 * 1024;

/// The whole answer, if it came before `deadline`. By recv's own time-out: zmq::poll would make
/// three system calls more.
std::optional<zmq::message_t> receive(zmq::socket_t& socket, Steady::time_point deadline) {
  zmq::message_t answer;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
    socket.set(zmq::sockopt::rcvtimeo,
               static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX)));
    try {
      if (!socket.recv(answer)) return std::nullopt;
      if (!answer.more()) return answer;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

}  // namespace

struct Client::Connection {
  zmq::context_t context;
  zmq::socket_t socket;

  void open(const std::string& endpoint) {
    socket = zmq::socket_t(context, zmq::socket_type::req);
    socket.set(zmq::sockopt::linger, 0);  // an unanswered question must not hold up the exit
    socket.set(zmq::sockopt::maxmsgsize, kMaxAnswerBytes);
    socket.connect(endpoint);
  }
};

Client::Client(const std::string& connect, std::chrono::milliseconds wait)
    : endpoint_(connect), wait_(wait), connection_(std::make_unique<Connection>()) {
  check_endpoint(endpoint_);
  check_is_allowed(endpoint_);
  try {
    connection_->open(endpoint_);
  } catch (const zmq::error_t& error) {
    throw ConfigError("cannot connect to '" + endpoint_ + "': " + error.what());
  }
}

Client::~Client() = default;

nlohmann::json Client::call(const Request& request) {
  auto& socket = connection_->socket;
  const auto deadline = Steady::now() + wait_;
  socket.send(zmq::buffer(encode(request)), zmq::send_flags::none);
  if (const auto answer = receive(socket, deadline)) {
    return decode_answer(answer->to_string_view());
  }
  // A REQ socket that waits for an answer can't ask again; and a late answer would be taken for
  // that to the next question.
  connection_->open(endpoint_);
  if (!is_served(endpoint_))
    throw TimeoutError("nobody answers at '" + endpoint_ + "': is manhattan-server running?");
  throw TimeoutError("no answer from '" + endpoint_ + "' within " + std::to_string(wait_.count()) +
                     " ms, though somebody listens there: --wait gives it longer");
}

}  // namespace manhattan::query
