// SPDX-License-Identifier: MIT
#include <arpa/inet.h>

#include <array>
#include <string>

#include "base/text.h"
#include "count/rollup.h"

namespace manhattan::count {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// A part of a URL's query with its escapes undone.
std::string plain(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                           hex_digit(text[i + 2]) >= 0;
    if (is_escape) {
      result.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      result.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return base::is_utf8(result) ? result : base::latin1_to_utf8(result);
}

/// What follows `scheme://`, or all of it.
std::string_view without_scheme(std::string_view url) noexcept {
  const auto scheme = url.find("://");
  return scheme == std::string_view::npos ? url : url.substr(scheme + 3);
}

std::string host_of(std::string_view url) {
  auto host = without_scheme(url);
  if (host.size() == url.size()) return {};
  host = host.substr(0, host.find_first_of("/?#"));
  host = host.substr(host.find('@') + 1);  // npos + 1 is 0
  const bool is_bracketed = host.starts_with('[');
  const auto port = is_bracketed ? host.find(':', host.find(']')) : host.find(':');
  return base::to_lower(host.substr(0, port));
}

std::string_view path_of(std::string_view url) noexcept {
  auto rest = without_scheme(url);
  if (rest.size() != url.size()) {
    const auto slash = rest.find('/');
    rest = slash == std::string_view::npos ? "/" : rest.substr(slash);
  }
  return rest.substr(0, rest.find_first_of("?#"));
}

std::string matched_path(const Rollup& rollup, std::string_view url) {
  const auto path = path_of(url);
  if (!rollup.regex) return std::string(path);
  std::array<re2::StringPiece, 2> groups;
  const int wanted = rollup.regex->NumberOfCapturingGroups() > 0 ? 2 : 1;
  const re2::StringPiece text(path.data(), path.size());
  if (!rollup.regex->Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(), wanted)) return {};
  return groups[static_cast<std::size_t>(wanted - 1)].as_string();
}

std::string query_value(std::string_view url, const std::string& name) {
  const auto mark = url.find('?');
  if (mark == std::string_view::npos) return {};
  const auto query = url.substr(mark + 1);
  for (const auto pair : base::split(query.substr(0, query.find('#')), '&')) {
    const auto equals = pair.find('=');
    if (plain(pair.substr(0, equals)) != name) continue;
    return equals == std::string_view::npos ? std::string() : plain(pair.substr(equals + 1));
  }
  return {};
}

std::string header_value(std::string_view headers, const std::string& name) {
  for (const auto line : base::split(headers, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (!base::equals_ignoring_case(base::trim(line.substr(0, colon)), name)) continue;
    return std::string(base::trim(line.substr(colon + 1)));
  }
  return {};
}

template <std::size_t Size>
void keep_bits(std::array<unsigned char, Size>& address, int bits) noexcept {
  for (int i = 0; i < static_cast<int>(Size); ++i) {
    const int left = std::clamp(bits - 8 * i, 0, 8);
    address[static_cast<std::size_t>(i)] &= static_cast<unsigned char>(0xff00 >> left);
  }
}

std::string masked_address(std::string_view text, int bits) {
  const std::string address(text);
  std::array<unsigned char, 4> four{};
  std::array<unsigned char, 16> sixteen{};
  char shown[INET6_ADDRSTRLEN];
  if (inet_pton(AF_INET, address.c_str(), four.data()) == 1) {
    keep_bits(four, bits);
    return inet_ntop(AF_INET, four.data(), shown, sizeof shown);
  }
  if (inet_pton(AF_INET6, address.c_str(), sixteen.data()) != 1) return address;
  keep_bits(sixteen, bits == 32 ? 128 : 2 * bits);
  return inet_ntop(AF_INET6, sixteen.data(), shown, sizeof shown);
}

}  // namespace

std::string bucket_of(const Rollup& rollup, const Page& page, const Agent* agent) {
  using Kind = Rollup::Kind;
  switch (rollup.kind) {
    case Kind::browser:
      return agent->browser;
    case Kind::browser_version:
      return agent->browser_version;
    case Kind::os:
      return agent->os;
    case Kind::device:
      return agent->device;
    case Kind::ip:
      return masked_address(page.ip, rollup.address_bits);
    case Kind::referrer:
      return host_of(page.referrer);
    case Kind::path:
      return matched_path(rollup, page.url);
    case Kind::query:
      return query_value(page.url, rollup.argument);
    case Kind::header:
      return header_value(page.headers, rollup.argument);
    default:
      return {};
  }
}

}  // namespace manhattan::count
