// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::http {

struct Header {
  std::string name;
  std::string value;

  friend bool operator==(const Header&, const Header&) = default;
};

/// The head of a CGI answer: its status and the headers that a client may see, as written.
struct AnswerHead {
  int status = 200;
  std::string status_text;  ///< `404 Not Found` as the program put it; empty: it did not say
  std::vector<Header> headers;

  /// First value of `name`, any case; nothing where there is none.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  void remove(std::string_view name);
  /// Removes every header `name` and returns the values in order.
  std::vector<std::string> take(std::string_view name);

  /// Appends `Status: ...`, the headers, the blank line; CRLF throughout.
  void append_to(std::string& out) const;
};

/// True where HTTP knows no body for an answer: HEAD, 204, 304.
bool is_bodiless(std::string_view method, int status) noexcept;

/// The web server is asked to send something else in place of the body: a file (X-Sendfile) or the
/// answer of another location (X-Accel-Redirect).
bool is_handed_over(const AnswerHead& head) noexcept;

}  // namespace manhattan::http
