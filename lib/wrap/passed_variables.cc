// SPDX-License-Identifier: MIT
#include "wrap/passed_variables.h"

#include <algorithm>

#include "base/error.h"

namespace manhattan::wrap {
namespace {

constexpr std::string_view kNames[] = {
    // RFC 3875
    "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "PATH_INFO",
    "PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER",
    "REQUEST_METHOD", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
    // what nginx, Apache and lighttpd add
    "CONTEXT_DOCUMENT_ROOT", "CONTEXT_PREFIX", "DOCUMENT_ROOT", "DOCUMENT_URI", "HTTPS",
    "REMOTE_PORT", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_FILENAME", "SCRIPT_URI", "SCRIPT_URL",
    "SERVER_ADDR", "SERVER_ADMIN", "SERVER_SIGNATURE", "UNIQUE_ID",
    // ours, of the shipped nginx-manhattan.conf
    "MANHATTAN_LOCATION"};

// Of cgit, gitweb and git-http-backend, whose manuals have web servers set them.
constexpr std::string_view kOfGit[] = {"CGIT_CONFIG", "GITWEB_CONFIG", "GIT_HTTP_EXPORT_ALL",
                                       "GIT_PROJECT_ROOT"};

// HTTP_: request headers. REDIRECT_: Apache's variables of the request before an internal
// redirection. SSL_: what Apache and lighttpd tell of a TLS connection.
constexpr std::string_view kPrefixes[] = {"HTTP_", "REDIRECT_", "SSL_"};

// Of these OpenSSL takes the authorities that it trusts, its engines and where to write keys.
constexpr std::string_view kSettingsOfOpenSsl[] = {"SSL_CERT_FILE", "SSL_CERT_DIR",
                                                   "SSL_KEYLOGFILE"};

template <class Names>
bool is_among(std::string_view name, const Names& names) noexcept {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool matches(std::string_view name, std::string_view pattern) noexcept {
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

/// Each `pattern` as it is; ConfigError for one that is no name.
std::vector<std::string> checked(std::vector<std::string> patterns) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  for (const auto& pattern : patterns) {
    const auto name = pattern.substr(0, pattern.size() - (pattern.ends_with('*') ? 1 : 0));
    if (!name.empty() && name.find_first_not_of(kLetters) == name.npos) continue;
    throw ConfigError("--pass '" + pattern +
                      "' is neither a variable's name nor a beginning of one "
                      "with '*'");
  }
  return patterns;
}

}  // namespace

PassedVariables::PassedVariables(std::vector<std::string> patterns, bool is_bound)
    : patterns_(checked(std::move(patterns))), is_bound_(is_bound) {}

bool PassedVariables::passes(std::string_view name) const noexcept {
  const auto begins = [&](std::string_view prefix) { return name.starts_with(prefix); };
  const bool is_usual = std::any_of(std::begin(kPrefixes), std::end(kPrefixes), begins) &&
                        !is_among(name, kSettingsOfOpenSsl);
  if (is_usual || is_among(name, kNames)) return true;
  if (!is_bound_ && is_among(name, kOfGit)) return true;
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const std::string& pattern) { return matches(name, pattern); });
}

void PassedVariables::apply(http::Environment& environment, base::MessageLog& messages) const {
  environment.keep_only([&](std::string_view name) {
    if (passes(name)) return true;
    // Apache sends its own: programs always get ours instead.
    if (name != "PATH") name_once(name, messages);
    return false;
  });
}

void PassedVariables::name_once(std::string_view name, base::MessageLog& messages) const {
  {
    const std::lock_guard lock(mutex_);
    if (named_.size() >= kMostNamed || !named_.emplace(name).second) return;
  }
  messages.warning("the web server's variable '" + std::string(name.substr(0, 100)) +
                   "' is kept from programs; --pass NAME lets it through");
}

}  // namespace manhattan::wrap
