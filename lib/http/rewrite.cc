// SPDX-License-Identifier: MIT
#include "http/rewrite.h"

#include <algorithm>

#include "base/text.h"
#include "http/caching.h"

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

void prepare_for_pixel(AnswerHead& head) {
  for (auto& header : head.headers) {
    if (is_etag(header) && header.value.starts_with('"')) header.value.insert(0, "W/");
  }
  std::erase_if(head.headers, [](const Header& header) {
    return is_etag(header) ? !header.value.starts_with("W/\"") : is_of_bytes(header);
  });
}

std::string pixel_answer(bool is_head, std::string_view cookie) {
  std::string answer = "Content-Type: image/gif\r\nContent-Length: 43\r\n";
  answer.append(kKeptByNobody);
  if (!cookie.empty()) answer.append("Set-Cookie: ").append(cookie).append("\r\n");
  answer.append("\r\n");
  return is_head ? answer : answer.append(kGif);
}

std::string plain_answer(std::string_view status_text) {
  std::string answer("Status: ");
  answer.append(status_text).append("\r\nContent-Type: text/plain\r\nContent-Length: ");
  answer.append(std::to_string(status_text.size() + 1));
  answer.append("\r\n").append(kKeptByNobody).append("\r\n");
  return answer.append(status_text).append("\n");
}

}  // namespace manhattan::http
