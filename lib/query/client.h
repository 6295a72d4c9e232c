// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "query/endpoint.h"
#include "query/message.h"

namespace manhattan::query {

/// Asks a server, one question after the other, on one connection.
///
/// Owns:    its socket.
/// Threads: one at a time.
/// Blocks:  call(), until the answer or `wait` is over.
/// Errors:  ConfigError for an endpoint that is none; ServerError, TimeoutError, DamageError from
///          call(), after each of which the client asks again as if nothing had been.
class Client {
 public:
  explicit Client(const std::string& connect = kDefaultEndpoint,
                  std::chrono::milliseconds wait = std::chrono::seconds(3));
  ~Client();

  nlohmann::json call(const Request& request);

 private:
  struct Connection;
  std::string endpoint_;
  std::chrono::milliseconds wait_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace manhattan::query
