// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::http {

/// The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
///
/// Threads: const use from any number.
class TrustedProxies {
 public:
  TrustedProxies() = default;
  /// Addresses, networks (`10.0.0.0/8`, `fd00::/8`) and `unix:` for a server without an address.
  /// ConfigError naming the first that is none of these.
  explicit TrustedProxies(const std::vector<std::string>& networks);

  bool is_trusted(std::string_view address) const noexcept;

  /// The browser's address: the last of `forwarded_for` that is no trusted proxy itself, where
  /// `peer` is one; else `peer`.
  std::string_view client_of(std::string_view peer, std::string_view forwarded_for) const noexcept;

 private:
  using Address = std::array<unsigned char, 16>;  // IPv4 as ::ffff:a.b.c.d
  struct Network {
    Address address;
    int prefix_bits;
  };

  std::vector<Network> networks_;
  bool is_local_trusted_ = false;
};

}  // namespace manhattan::http
