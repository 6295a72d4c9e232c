// SPDX-License-Identifier: MIT
#include "http/request.h"

#include <algorithm>

#include "base/text.h"

namespace manhattan::http {
namespace {

constexpr std::string_view kPurposes[] = {"HTTP_X_PURPOSE", "HTTP_PURPOSE", "HTTP_SEC_PURPOSE",
                                          "HTTP_X_MOZ"};
constexpr std::string_view kAhead[] = {"prefetch", "preview", "prerender"};

std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_secure(const Environment& environment, const TrustedProxies& proxies) {
  const auto is_https = [](std::string_view s) { return base::equals_ignoring_case(s, "https"); };
  const auto https = environment.get("HTTPS");
  if ((!https.empty() && !base::equals_ignoring_case(https, "off")) ||
      is_https(environment.get("REQUEST_SCHEME"))) {
    return true;
  }
  const auto forwarded = environment.get("HTTP_X_FORWARDED_PROTO");
  return is_https(base::trim(forwarded.substr(forwarded.rfind(',') + 1))) &&
         proxies.is_trusted(environment.get("REMOTE_ADDR"));
}

bool is_prefetch(const Environment& environment) {
  for (const auto name : kPurposes) {
    if (!environment.has(name)) continue;
    const auto purpose = base::to_lower(environment.get(name));
    for (const auto mark : kAhead) {
      if (purpose.find(mark) != purpose.npos) return true;
    }
  }
  return false;
}

/// What RFC 3875 promises where the server sets no REQUEST_URI.
std::string composed_target(const Environment& environment) {
  std::string target;
  target.append(environment.get("SCRIPT_NAME")).append(environment.get("PATH_INFO"));
  const auto query = environment.get("QUERY_STRING");
  if (!query.empty()) target.append("?").append(query);
  return target;
}

}  // namespace

Request make_request(const Environment& environment, const TrustedProxies& proxies) {
  Request request;
  request.method = environment.get("REQUEST_METHOD");
  request.is_secure = is_secure(environment, proxies);
  request.is_prefetch = is_prefetch(environment);
  auto host = environment.get("HTTP_HOST");
  if (host.empty()) host = environment.get("SERVER_NAME");
  request.host = base::to_lower(without_port(host));
  std::string composed;
  auto target = environment.get("REQUEST_URI");
  if (target.empty()) target = composed = composed_target(environment);
  request.url.reserve(sizeof "https://" + host.size() + target.size());
  if (target.starts_with('/')) {
    request.url.append(request.is_secure ? "https://" : "http://").append(host);
  }
  request.path_at = static_cast<std::uint32_t>(request.url.size());
  request.path_size = static_cast<std::uint32_t>(std::min(target.find('?'), target.size()));
  request.url += target;
  request.client =
      proxies.client_of(environment.get("REMOTE_ADDR"), environment.get("HTTP_X_FORWARDED_FOR"));
  request.user_agent = environment.get("HTTP_USER_AGENT");
  request.referrer = environment.get("HTTP_REFERER");
  request.cookies = environment.get("HTTP_COOKIE");
  return request;
}

std::optional<std::string_view> take_cookie(std::string_view& cookies, std::string_view name) {
  while (!cookies.empty()) {
    const auto pair = base::take_piece(cookies, ';');
    const auto equals = pair.find('=');
    if (equals == pair.npos || base::trim(pair.substr(0, equals)) != name) continue;
    auto value = base::trim(pair.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return {};
}

}  // namespace manhattan::http
