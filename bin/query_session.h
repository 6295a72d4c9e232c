// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "query/client.h"

namespace manhattan::program {

/// The connection of one run of manhattan-query, made when the first question needs it.
class Session {
 public:
  Session(std::string endpoint, std::chrono::milliseconds wait)
      : endpoint_(std::move(endpoint)), wait_(wait) {}

  nlohmann::json call(const query::Request& request) {
    if (!client_) client_ = std::make_unique<query::Client>(endpoint_, wait_);
    return client_->call(request);
  }
  const std::string& endpoint() const noexcept { return endpoint_; }

 private:
  std::string endpoint_;
  std::chrono::milliseconds wait_;
  std::unique_ptr<query::Client> client_;
};

}  // namespace manhattan::program
