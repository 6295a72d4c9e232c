// SPDX-License-Identifier: MIT
#include "query/client.h"

#include <zmq.hpp>

namespace manhattan::query {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::int64_t kMaxAnswerBytes = 256 * 1024 * 1024;

/// Whether an answer came before `deadline`.
bool has_answer(zmq::socket_t& socket, Steady::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
    zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
    try {
      return zmq::poll(&item, 1, std::max(left, std::chrono::milliseconds(0))) > 0;
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
  if (!has_answer(socket, deadline)) {
    // A REQ socket that waits for an answer can't ask again; and a late answer would be taken for
    // that to the next question.
    connection_->open(endpoint_);
    throw TimeoutError("no answer from '" + endpoint_ + "' within " +
                       std::to_string(wait_.count()) + " ms");
  }
  zmq::message_t answer;
  while (socket.recv(answer, zmq::recv_flags::none) && answer.more()) {
  }
  return decode_answer(answer.to_string_view());
}

}  // namespace manhattan::query
