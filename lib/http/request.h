// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/environment.h"
#include "http/trusted_proxies.h"

namespace manhattan::http {

/// One request as far as analytics care. Text is as it came, whatever its encoding; views are of
/// the environment's.
struct Request {
  std::string_view method;
  std::string url;          ///< whole: `https://host/path?query`
  std::string host;         ///< lower case, without its port
  std::string_view client;  ///< the browser's address
  std::string_view user_agent;
  std::string_view referrer;
  std::string_view cookies;                  ///< the Cookie header
  std::string_view fetch_dest;               ///< Sec-Fetch-Dest: what the browser wants it for
  std::string_view requested_with;           ///< X-Requested-With, of a script's request
  std::uint32_t path_at = 0, path_size = 0;  ///< in url
  bool is_secure = false;
  bool is_prefetch = false;   ///< fetched ahead of, or without, anybody looking
  bool is_prerender = false;  ///< and with all that is in it

  /// Of the URL, not decoded.
  std::string_view path() const noexcept {
    return std::string_view(url).substr(path_at, path_size);
  }
  bool is_page() const noexcept { return method == "GET" || method == "POST"; }

  friend bool operator==(const Request&, const Request&) = default;
};

/// Reads a CGI environment, which must outlive the request. X-Forwarded-* counts only where the
/// peer is in `proxies`.
Request make_request(const Environment& environment, const TrustedProxies& proxies);
/// The same of each `NAME=value` up to a null, as in environ(7), at a glance. Nothing where a
/// variable that counts comes twice: which holds, an Environment knows.
std::optional<Request> make_request(char* const* block, const TrustedProxies& proxies);

/// The next value that the Cookie header gives `name`, without quotes around it; `cookies` then
/// starts after it. Nothing where there is none left.
std::optional<std::string_view> take_cookie(std::string_view& cookies, std::string_view name);

}  // namespace manhattan::http
