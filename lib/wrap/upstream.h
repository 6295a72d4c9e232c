// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "wrap/socket_address.h"

namespace manhattan::wrap {

/// A program that serves FastCGI itself, such as php-fpm. Each request gets a connection of its
/// own.
///
/// Connections are not kept from one request to the next. A process of such a program serves one
/// connection until that is closed, so a kept one locks out whoever waits for a process; and one
/// whose process goes on after its answer, as after PHP's fastcgi_finish_request(), holds up the
/// next request for as long. Keeping them saved 15 of 130 microseconds.
///
/// Threads: const use from any number.
class Upstream {
 public:
  static constexpr std::chrono::seconds kConnectLimit{10};

  explicit Upstream(const std::string& address) : address_(SocketAddress::parse(address)) {}

  /// The address as it was given.
  const std::string& name() const noexcept { return address_.text; }

  /// A connection; none with errno where that fails: ETIMEDOUT after kConnectLimit, ECANCELED once
  /// `is_wanted`, which is asked now and then, says no. Blocks until there is room in the program's
  /// queue.
  base::UniqueFd connect(const std::function<bool()>& is_wanted) const;

 private:
  int connect(int socket, const std::function<bool()>& is_wanted) const;

  const SocketAddress address_;
};

}  // namespace manhattan::wrap
