// SPDX-License-Identifier: MIT
#include "http/rewrite.h"

#include <algorithm>

#include "base/text.h"

namespace manhattan::http {
namespace {

using namespace std::string_view_literals;

constexpr auto kGif =
    "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c"
    "\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"sv;
static_assert(kGif.size() == 43);

// What holds for the bytes of a page as they were.
constexpr std::string_view kOfBytes[] = {"Content-Length", "Content-MD5", "Digest",
                                         "Content-Digest", "Repr-Digest", "Accept-Ranges"};

bool is_of_bytes(const Header& header) noexcept {
  return std::any_of(std::begin(kOfBytes), std::end(kOfBytes), [&](std::string_view name) {
    return base::equals_ignoring_case(header.name, name);
  });
}

bool is_etag(const Header& header) noexcept {
  return base::equals_ignoring_case(header.name, "ETag");
}

/// `value` with each comma-separated item replaced by `change` of it; empty ones are left out.
template <typename Change>
std::string map_items(std::string_view value, Change change) {
  std::string result;
  for (const auto item : base::split(value, ',')) {
    const std::string_view changed = change(base::trim(item));
    if (changed.empty()) continue;
    result.append(result.empty() ? "" : ", ").append(changed);
  }
  return result;
}

bool is_public(std::string_view item) { return base::equals_ignoring_case(item, "public"); }

bool has_item(std::string_view value, std::string_view wanted) {
  const auto items = base::split(value, ',');
  return std::any_of(items.begin(), items.end(), [&](std::string_view item) {
    return base::equals_ignoring_case(base::trim(item), wanted);
  });
}

void make_private(AnswerHead& head) {
  for (auto& header : head.headers) {
    if (!base::equals_ignoring_case(header.name, "Cache-Control")) continue;
    if (!has_item(header.value, "public")) continue;
    header.value = map_items(header.value, [](std::string_view item) {
      if (is_public(item)) return "private"sv;
      const bool is_for_shared = base::equals_ignoring_case(item.substr(0, 9), "s-maxage=");
      return is_for_shared ? ""sv : item;
    });
  }
}

/// `Vary: Cookie`, in the Vary header that is there already.
void vary_by_cookie(AnswerHead& head) {
  for (auto& header : head.headers) {
    if (!base::equals_ignoring_case(header.name, "Vary")) continue;
    if (!has_item(header.value, "*") && !has_item(header.value, "Cookie")) {
      header.value.append(header.value.empty() ? "Cookie" : ", Cookie");
    }
    return;
  }
  head.headers.push_back({"Vary", "Cookie"});
}

}  // namespace

std::string cookie_to_set(std::string_view name, std::string_view value, bool is_secure,
                          std::chrono::seconds max_age) {
  std::string cookie;
  cookie.reserve(name.size() + value.size() + 80);
  cookie.append(name)
      .append("=")
      .append(value)
      .append("; Max-Age=")
      .append(std::to_string(max_age.count()));
  cookie.append("; Path=/; HttpOnly; SameSite=Lax");
  if (is_secure) cookie.append("; Secure");
  return cookie;
}

void keep_to_visitor(AnswerHead& head) {
  make_private(head);
  vary_by_cookie(head);
}

void add_cookie(AnswerHead& head, std::string cookie) {
  keep_to_visitor(head);
  head.headers.push_back({"Set-Cookie", std::move(cookie)});
}

bool takes_pixel(const AnswerHead& head) {
  const bool is_redirection = head.status >= 300 && head.status < 400;
  if (head.status == 204 || head.status == 206 || is_redirection) return false;
  const auto encoding = head.find("Content-Encoding");
  if (encoding && !base::equals_ignoring_case(*encoding, "identity")) return false;
  if (head.find("Content-Range")) return false;
  const auto type = head.find("Content-Type").value_or("");
  return base::equals_ignoring_case(base::trim(type.substr(0, type.find(';'))), "text/html");
}

void prepare_for_pixel(AnswerHead& head) {
  for (auto& header : head.headers) {
    if (is_etag(header) && header.value.starts_with('"')) header.value.insert(0, "W/");
  }
  std::erase_if(head.headers, [](const Header& header) {
    return is_etag(header) ? !header.value.starts_with("W/\"") : is_of_bytes(header);
  });
}

std::string pixel_answer(bool is_head) {
  std::string answer =
      "Content-Type: image/gif\r\nContent-Length: 43\r\n"
      "Cache-Control: no-store, no-cache, must-revalidate, private, max-age=0\r\n"
      "Pragma: no-cache\r\nExpires: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";
  return is_head ? answer : answer.append(kGif);
}

std::string plain_answer(std::string_view status_text) {
  std::string answer("Status: ");
  answer.append(status_text).append("\r\nContent-Type: text/plain\r\nContent-Length: ");
  answer.append(std::to_string(status_text.size() + 1));
  return answer.append("\r\n\r\n").append(status_text).append("\n");
}

}  // namespace manhattan::http
