// SPDX-License-Identifier: MIT
#include "http/request.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <span>

#include "base/text.h"

namespace manhattan::http {
namespace {

/// The variables that tell of a request; null: it has none such.
struct Variables {
  std::string_view method, scheme, uri, https, peer, server_name, script_name, path_info, query;
  std::string_view host, user_agent, referrer, cookies, forwarded_for, forwarded_proto;
  std::string_view purpose, sec_purpose, x_purpose, x_moz;
  std::string_view fetch_dest, requested_with;
};
constexpr struct {
  std::string_view name;
  std::string_view Variables::*place;
} kVariables[] = {{"REQUEST_METHOD", &Variables::method},
                  {"REQUEST_SCHEME", &Variables::scheme},
                  {"REQUEST_URI", &Variables::uri},
                  {"HTTPS", &Variables::https},
                  {"REMOTE_ADDR", &Variables::peer},
                  {"SERVER_NAME", &Variables::server_name},
                  {"SCRIPT_NAME", &Variables::script_name},
                  {"PATH_INFO", &Variables::path_info},
                  {"QUERY_STRING", &Variables::query},
                  {"HTTP_HOST", &Variables::host},
                  {"HTTP_USER_AGENT", &Variables::user_agent},
                  {"HTTP_REFERER", &Variables::referrer},
                  {"HTTP_COOKIE", &Variables::cookies},
                  {"HTTP_X_FORWARDED_FOR", &Variables::forwarded_for},
                  {"HTTP_X_FORWARDED_PROTO", &Variables::forwarded_proto},
                  {"HTTP_PURPOSE", &Variables::purpose},
                  {"HTTP_SEC_PURPOSE", &Variables::sec_purpose},
                  {"HTTP_X_PURPOSE", &Variables::x_purpose},
                  {"HTTP_X_MOZ", &Variables::x_moz},
                  {"HTTP_SEC_FETCH_DEST", &Variables::fetch_dest},
                  {"HTTP_X_REQUESTED_WITH", &Variables::requested_with}};

/// By kind of name, the one of kVariables that has it, from 1 up; no two are of one kind.
constexpr auto kByKind = [] {
  std::array<std::uint8_t, kNameKinds> numbers{};
  for (std::uint8_t number = 1; number <= std::size(kVariables); ++number) {
    auto& place = numbers[kind_of(kVariables[number - 1].name)];
    if (place != 0) throw "two of one kind";  // and this does not compile
    place = number;
  }
  return numbers;
}();

/// Null: a request does not depend on `name`.
std::string_view* find(Variables& variables, std::string_view name) noexcept {
  const auto number = kByKind[kind_of(name)];
  if (number == 0 || kVariables[number - 1].name != name) return nullptr;
  return &(variables.*kVariables[number - 1].place);
}

constexpr std::string_view kPrerender = "prerender";
constexpr std::string_view kAhead[] = {"prefetch", "preview", kPrerender};

std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_secure(const Variables& variables, const TrustedProxies& proxies) {
  const auto is_https = [](std::string_view s) { return base::equals_ignoring_case(s, "https"); };
  const auto https = variables.https;
  if ((!https.empty() && !base::equals_ignoring_case(https, "off")) || is_https(variables.scheme)) {
    return true;
  }
  const auto forwarded = variables.forwarded_proto;
  return is_https(base::trim(forwarded.substr(forwarded.rfind(',') + 1))) &&
         proxies.is_trusted(variables.peer);
}

/// One of `marks` stands in one of the headers that say what a request is for.
bool has_purpose(const Variables& variables, std::span<const std::string_view> marks) {
  for (const auto given :
       {variables.purpose, variables.sec_purpose, variables.x_purpose, variables.x_moz}) {
    if (given.empty()) continue;
    const auto purpose = base::to_lower(given);
    for (const auto mark : marks) {
      if (purpose.find(mark) != purpose.npos) return true;
    }
  }
  return false;
}

/// What RFC 3875 promises where the server sets no REQUEST_URI.
std::string composed_target(const Variables& variables) {
  std::string target;
  target.append(variables.script_name).append(variables.path_info);
  if (!variables.query.empty()) target.append("?").append(variables.query);
  return target;
}

Request make_request(const Variables& variables, const TrustedProxies& proxies) {
  Request request;
  request.method = variables.method;
  request.is_secure = is_secure(variables, proxies);
  request.is_prefetch = has_purpose(variables, kAhead);
  request.is_prerender = request.is_prefetch && has_purpose(variables, {&kPrerender, 1});
  const auto host = variables.host.empty() ? variables.server_name : variables.host;
  request.host = base::to_lower(without_port(host));
  std::string composed;
  auto target = variables.uri;
  if (target.empty()) target = composed = composed_target(variables);
  request.url.reserve(sizeof "https://" + host.size() + target.size());
  if (target.starts_with('/')) {
    request.url.append(request.is_secure ? "https://" : "http://").append(host);
  }
  request.path_at = static_cast<std::uint32_t>(request.url.size());
  request.path_size = static_cast<std::uint32_t>(std::min(target.find('?'), target.size()));
  request.url += target;
  request.client = proxies.client_of(variables.peer, variables.forwarded_for);
  request.user_agent = variables.user_agent;
  request.referrer = variables.referrer;
  request.cookies = variables.cookies;
  request.fetch_dest = variables.fetch_dest;
  request.requested_with = variables.requested_with;
  return request;
}

}  // namespace

Request make_request(const Environment& environment, const TrustedProxies& proxies) {
  Variables variables;
  for (const auto& [name, place] : kVariables) variables.*place = environment.get(name);
  // lighttpd joins a header that comes twice itself. What comes twice from there are two spellings,
  // such as X-Forwarded-For and X_Forwarded_For, and which of them a proxy wrote nobody knows.
  if (environment.get("SERVER_SOFTWARE").starts_with("lighttpd")) {
    if (environment.is_joined("HTTP_X_FORWARDED_FOR")) variables.forwarded_for = {};
    if (environment.is_joined("HTTP_X_FORWARDED_PROTO")) variables.forwarded_proto = {};
  }
  return make_request(variables, proxies);
}

std::optional<Request> make_request(char* const* block, const TrustedProxies& proxies) {
  Variables variables;
  for (; block != nullptr && *block != nullptr; ++block) {
    const auto* const equals = std::strchr(*block, '=');
    if (equals == nullptr) continue;
    auto* const value = find(variables, {*block, static_cast<std::size_t>(equals - *block)});
    if (value == nullptr) continue;
    if (value->data() != nullptr) return std::nullopt;
    *value = equals + 1;
  }
  return make_request(variables, proxies);
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
