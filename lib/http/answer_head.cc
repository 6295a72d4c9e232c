// SPDX-License-Identifier: MIT
#include "http/answer_head.h"

#include <algorithm>

#include "base/text.h"

namespace manhattan::http {

std::optional<std::string_view> AnswerHead::find(std::string_view name) const noexcept {
  for (const auto& header : headers) {
    if (base::equals_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

void AnswerHead::remove(std::string_view name) {
  std::erase_if(
      headers, [&](const Header& header) { return base::equals_ignoring_case(header.name, name); });
}

std::vector<std::string> AnswerHead::take(std::string_view name) {
  std::vector<std::string> values;
  for (auto& header : headers) {
    if (base::equals_ignoring_case(header.name, name)) values.push_back(header.value);
  }
  if (!values.empty()) remove(name);
  return values;
}

void AnswerHead::append_to(std::string& out) const {
  if (!status_text.empty()) out.append("Status: ").append(status_text).append("\r\n");
  for (const auto& header : headers) {
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  out.append("\r\n");
}

bool is_bodiless(std::string_view method, int status) noexcept {
  return method == "HEAD" || status == 204 || status == 304;
}

bool is_handed_over(const AnswerHead& head) noexcept {
  constexpr std::string_view kNames[] = {"X-Accel-Redirect", "X-Sendfile", "X-Sendfile2",
                                         "X-LIGHTTPD-send-file"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view name) { return head.find(name).has_value(); });
}

}  // namespace manhattan::http
