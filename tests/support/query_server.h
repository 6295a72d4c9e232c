// SPDX-License-Identifier: MIT
// For tests of a query::Server: what it answers, and who asks.
#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "query/message.h"
#include "tests/support/patience.h"

namespace manhattan::tests {

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / "manhattan-query-XXXXXX";
  Folder() { BOOST_REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
};

/// Answers with what it was asked; `fail` throws.
inline nlohmann::json echo(const query::Request& request) {
  if (request.method == "fail") throw std::runtime_error("broken");
  if (request.method == "refuse") throw query::Refusal("ArgumentError", "refuse() never works");
  return {request.method, request.arguments, request.named};
}

/// A client that can send anything.
struct Raw {
  zmq::context_t context;
  zmq::socket_t socket;
  Raw(const std::string& endpoint, zmq::socket_type type) : socket(context, type) {
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvtimeo,
               static_cast<int>(std::chrono::milliseconds(kPatience).count()));
    socket.connect(endpoint);
  }
  void send(const std::vector<std::string>& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto more = i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      socket.send(zmq::buffer(parts[i]), more);
    }
  }
  std::vector<std::string> receive() {
    std::vector<std::string> parts;
    for (bool has_more = true; has_more;) {
      zmq::message_t part;
      BOOST_REQUIRE(socket.recv(part));
      has_more = part.more();
      parts.push_back(part.to_string());
    }
    return parts;
  }
  nlohmann::json ask(const std::vector<std::string>& parts) {
    send(parts);
    return nlohmann::json::parse(receive().back());
  }
};

}  // namespace manhattan::tests
