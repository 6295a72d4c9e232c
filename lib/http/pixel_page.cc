// SPDX-License-Identifier: MIT
#include "http/pixel_page.h"

#include <algorithm>

#include "base/text.h"

namespace manhattan::http {
namespace {

bool is(std::string_view text, std::string_view wanted) noexcept {
  return base::equals_ignoring_case(base::trim(text), wanted);
}

/// What is before the parameters of a value such as `text/html; charset=utf-8`.
std::string_view first_piece(std::string_view value) noexcept {
  return base::trim(value.substr(0, value.find(';')));
}

/// Whether `wanted` holds for an item of a comma-separated list in any header `name`.
template <typename Wanted>
bool has_item(const AnswerHead& head, std::string_view name, const Wanted& wanted) {
  return std::any_of(head.headers.begin(), head.headers.end(), [&](const Header& header) {
    if (!base::equals_ignoring_case(header.name, name)) return false;
    const auto items = base::split(header.value, ',');
    return std::any_of(items.begin(), items.end(), wanted);
  });
}

/// In these a byte such as that of `<` may be, or be half of, another character.
bool is_like_ascii(std::string_view charset) {
  constexpr std::string_view kUnlike[] = {
      "utf-16",  "utf16",     "utf-32",        "utf32",     "utf-7",     "utf7",  "ucs-",
      "unicode", "csunicode", "iso-10646-ucs", "iso-2022-", "csiso2022", "hz-gb", "ibm037",
      "ibm500",  "ibm1047",   "ebcdic",        "cp037",     "x-ebcdic"};
  const auto name = base::to_lower(charset);
  return std::none_of(std::begin(kUnlike), std::end(kUnlike),
                      [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string_view charset_of(std::string_view type) {
  base::take_piece(type, ';');
  while (!type.empty()) {
    auto parameter = base::take_piece(type, ';');
    const auto name = base::take_piece(parameter, '=');
    if (!is(name, "charset")) continue;
    parameter = base::trim(parameter);
    const bool is_quoted = parameter.size() >= 2 && parameter.front() == '"';
    return is_quoted ? parameter.substr(1, parameter.size() - 2) : parameter;
  }
  return {};
}

/// As browsers read it: any type but `inline` is a download, a value without a type is none.
bool is_download(const AnswerHead& head) {
  const auto type = first_piece(head.find("Content-Disposition").value_or(""));
  return !type.empty() && type.find('=') == type.npos && !is(type, "inline");
}

bool is_whole(const AnswerHead& head) {
  const bool is_redirection = head.status >= 300 && head.status < 400;
  const bool has_no_page = head.status >= 204 && head.status <= 206;  // none, none to show, a part
  return !is_redirection && !has_no_page && !head.find("Content-Range");
}

/// A browser says what it will do with the answer, an old one only where a script asks in the usual
/// way. (Apps that show pages give their name in X-Requested-With.)
bool is_for_window(const Request& request) noexcept {
  const auto use = request.fetch_dest;
  // What a browser fetches ahead for <link rel=prefetch> has no use yet.
  const bool is_shown = use.empty() || is(use, "document") || is(use, "frame") ||
                        is(use, "iframe") || (request.is_prefetch && is(use, "empty"));
  return is_shown && !is(request.requested_with, "XMLHttpRequest");
}

// ---- Content-Security-Policy

/// Whether a source such as `*.shop.example:443/images/` may be that of an image on `host`.
bool is_source(std::string_view source, std::string_view host, std::string_view path) {
  if (const auto scheme = source.find("://"); scheme != source.npos) {
    source.remove_prefix(scheme + 3);
  }
  const auto end = std::min(source.find('/'), source.size());
  auto allowed_host = source.substr(0, end);
  if (const auto port = allowed_host.rfind(':'); port != source.npos && source[0] != '[') {
    allowed_host = allowed_host.substr(0, port);
  }
  const bool is_any =
      allowed_host.starts_with("*.") && host.size() >= allowed_host.size() &&
      is(host.substr(host.size() - allowed_host.size() + 1), allowed_host.substr(1));
  if (!is_any && allowed_host != "*" && !is(allowed_host, host)) return false;
  const auto folder = source.substr(end);
  return folder.empty() || (folder.back() == '/' ? path.starts_with(folder) : path == folder);
}

/// Whether the source list of an image has the page's own host.
bool has_own_host(std::string_view sources, const Request& request, std::string_view path) {
  for (auto left = base::trim(sources); !left.empty(); left = base::trim(left)) {
    const auto source = base::take_piece(left, ' ');
    if (source == "*" || is(source, "'self'") || is(source, "http:") || is(source, "https:")) {
      return true;
    }
    const bool is_other = source.starts_with('\'') || source.ends_with(':');
    if (!is_other && is_source(source, request.host, path)) return true;
  }
  return false;
}

/// Whether one policy, such as `default-src 'none'; img-src 'self'`, allows the image. The first
/// directive of a name counts.
bool allows_image(std::string_view policy, const Request& request, std::string_view path) {
  std::optional<std::string_view> images, all;
  while (!policy.empty()) {
    auto sources = base::trim(base::take_piece(policy, ';'));
    const auto name = base::take_piece(sources, ' ');
    if (is(name, "img-src") && !images) images = sources;
    if (is(name, "default-src") && !all) all = sources;
  }
  const auto sources = images ? images : all;
  return !sources || has_own_host(*sources, request, path);
}

}  // namespace

std::optional<PixelPage> page_for_pixel(const AnswerHead& head, const Request& request,
                                        std::string_view path) {
  const auto type = head.find("Content-Type").value_or("");
  const bool is_xml = is(first_piece(type), "application/xhtml+xml");
  if (!is_xml && !is(first_piece(type), "text/html")) return {};
  if (!is_whole(head) || is_handed_over(head) || !is_for_window(request) || is_download(head))
    return {};
  if (!is_like_ascii(charset_of(type))) return {};
  const auto is_encoding = [](std::string_view item) { return !is(item, "identity"); };
  const auto is_fixed = [](std::string_view item) { return is(item, "no-transform"); };
  const auto forbids = [&](std::string_view item) { return !allows_image(item, request, path); };
  if (has_item(head, "Content-Encoding", is_encoding) ||
      has_item(head, "Cache-Control", is_fixed) ||
      has_item(head, "Content-Security-Policy", forbids)) {
    return {};
  }
  return PixelPage{.is_xml = is_xml, .is_shown_alone = is(request.fetch_dest, "document")};
}

}  // namespace manhattan::http
