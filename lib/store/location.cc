// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/text.h"
#include "store/store.h"

namespace manhattan::store {
namespace {

constexpr std::string_view kShape =
    "expected sqlite:///PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE";
constexpr const char* kPasswordHint =
    "bad port or database in the store's URL (in a password, / : @ ? and % are written %2f ...)";
constexpr std::array<std::string_view, 4> kMysqlParameters{"ssl_ca", "ssl_cert", "ssl_key",
                                                           "unix_socket"};

int digit_of(char c) noexcept {
  const auto at =
      std::string_view("0123456789abcdef").find(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// No message here quotes `text`: it may be of the password. `part` names it.
std::string decoded(std::string_view text, const char* part) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
      const int low = high >= 0 ? digit_of(text[i + 2]) : -1;
      if (low < 0) throw ConfigError(std::string("bad % escape in the store's ") + part);
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') throw ConfigError(std::string("zero byte in the store's ") + part);
    plain += c;
  }
  return plain;
}

std::string encoded(std::string_view text, std::string_view kept) {
  std::string url;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || kept.find(c) != std::string_view::npos;
    if (is_plain)
      url += c;
    else
      url += '%' + base::to_hex({&c, 1});
  }
  return url;
}

std::map<std::string, std::string> parse_parameters(std::string_view text, bool is_mysql) {
  std::map<std::string, std::string> parameters;
  if (text.empty()) return parameters;
  for (const auto piece : base::split(text, '&')) {
    const auto equals = std::min(piece.find('='), piece.size());
    const auto key = piece.substr(0, equals);
    if (!is_mysql || std::ranges::count(kMysqlParameters, key) == 0)
      throw ConfigError("unknown parameter '" + std::string(key) + "' of the store's URL");
    if (equals == piece.size())
      throw ConfigError("parameter '" + std::string(key) + "' of the store's URL has no value");
    parameters[std::string(key)] = decoded(piece.substr(equals + 1), "parameters");
  }
  return parameters;
}

/// `host`, `host:port`, `[::1]:port`.
void parse_host(std::string_view text, Location::Parts& parts) {
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto after = bracket == std::string_view::npos ? 0 : bracket;
  const auto colon = std::min(text.find(':', after), text.size());
  const auto host =
      bracket == std::string_view::npos ? text.substr(0, colon) : text.substr(1, bracket - 1);
  parts.host = decoded(host, "host");
  if (colon == text.size()) return;
  const auto port = text.substr(colon + 1);
  const auto* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data(), end, parts.port);
  if (error != std::errc{} || stop != end || parts.port < 1 || parts.port > 65535)
    throw ConfigError(kPasswordHint);
}

void parse_sqlite(std::string_view rest, Location::Parts& parts) {
  if (!rest.starts_with('/') || rest.size() < 2)
    throw ConfigError(
        "no file named in the store's URL: expected sqlite:///relative/path or "
        "sqlite:////absolute/path");
  parts.database = decoded(rest.substr(1), "path");
  if (parts.database == ":memory:")
    throw ConfigError("a store in ':memory:' would forget everything: name a file");
  if (parts.database.ends_with('/'))
    throw ConfigError("the store '" + parts.database + "' is a folder: name a file");
}

void parse_mysql(std::string_view rest, Location::Parts& parts) {
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto authority = rest.substr(0, slash);
  const auto at = authority.rfind('@');
  if (at != std::string_view::npos) {
    const auto login = authority.substr(0, at);
    const auto colon = std::min(login.find(':'), login.size());
    parts.user = decoded(login.substr(0, colon), "user");
    if (colon < login.size()) parts.password = decoded(login.substr(colon + 1), "password");
  }
  parse_host(at == std::string_view::npos ? authority : authority.substr(at + 1), parts);
  if (slash + 1 >= rest.size()) throw ConfigError("no database named in the store's URL");
  const auto database = rest.substr(slash + 1);
  // A raw / or @ here is of a password, cut in two at its own slash.
  if (database.find_first_of("/@") != std::string_view::npos) throw ConfigError(kPasswordHint);
  parts.database = decoded(database, "database");
}

}  // namespace

Location Location::parse(const std::string& url) {
  const auto mark = url.find("://");
  if (mark == std::string::npos) throw ConfigError("malformed store: " + std::string(kShape));
  Location location;
  auto& parts = location.parts_;
  parts.scheme = url.substr(0, mark);
  const bool is_mysql = parts.scheme == "mysql";
  if (!is_mysql && parts.scheme != "sqlite")
    throw ConfigError("unknown kind of store '" + parts.scheme + "': " + std::string(kShape));
  const auto rest = std::string_view(url).substr(mark + 3);
  const auto question = std::min(rest.find('?'), rest.size());
  (is_mysql ? parse_mysql : parse_sqlite)(rest.substr(0, question), parts);
  if (question < rest.size())
    parts.parameters = parse_parameters(rest.substr(question + 1), is_mysql);
  // Without an authority to check against, TLS proves nothing and may be left out unseen.
  if (parts.parameters.count("ssl_ca") == 0 &&
      (parts.parameters.count("ssl_cert") != 0 || parts.parameters.count("ssl_key") != 0))
    throw ConfigError("the store's ssl_cert and ssl_key need ssl_ca");
  return location;
}

bool Location::is_readable_by_all() const {
  struct stat status {};
  return parts_.scheme == "sqlite" && ::stat(parts_.database.c_str(), &status) == 0 &&
         (status.st_mode & S_IROTH) != 0;
}

std::string Location::to_string() const {
  std::string url = parts_.scheme + "://";
  if (parts_.scheme == "mysql") {
    if (!parts_.user.empty()) url += encoded(parts_.user, "-._~") + '@';
    const bool is_ipv6 = parts_.host.find(':') != std::string::npos;
    url += is_ipv6 ? '[' + parts_.host + ']' : encoded(parts_.host, "-._~");
    if (parts_.port != 0) url += ':' + std::to_string(parts_.port);
  }
  url += '/' + encoded(parts_.database, "-._~/:");
  char separator = '?';
  for (const auto& [key, value] : parts_.parameters) {
    url += separator + key + '=' + encoded(value, "-._~/:");
    separator = '&';
  }
  return url;
}

void Location::set_password(std::string password) { parts_.password = std::move(password); }

}  // namespace manhattan::store
