// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/answer_head.h"

namespace manhattan::http {

/// Reads the head of a CGI answer out of a stream cut anywhere.
///
/// Lines end in LF or CRLF, mixed at will; blank lines before the first header and interim (1xx)
/// heads are skipped; folded lines are unfolded; a first line `HTTP/1.1 201 ...` is a status. A
/// status is three digits and whatever no digit follows them: `404: Not Found` and `200OK` are 404
/// and 200, as web servers read them. What belongs to a hop (Connection, Transfer-Encoding, ...) is
/// removed. Of a doubled Status, Location, Content-Type or Content-Length the first holds. Lines
/// without a header name are dropped. Refused: no header at all, a status that is none, control
/// characters, a blank before the colon, more than kMaxBytes or kMaxLines.
class HeadParser {
 public:
  static constexpr std::size_t kMaxBytes = 64 * 1024;
  static constexpr std::size_t kMaxLines = 1000;

  enum class Progress { needs_more, complete, refused };

  [[nodiscard]] Progress feed(std::string_view bytes);
  /// No more will come, and the head is not complete: it is refused, if it was not.
  void end();

  /// Complete only; both may be moved from.
  AnswerHead& head() noexcept { return head_; }
  /// Complete only: what the last `bytes` already held of the body; a view of them, or of this.
  std::string_view rest() const noexcept { return rest_; }
  /// Why it is refused, for the log; empty: it is not.
  const std::string& why() const noexcept { return why_; }
  /// What was dropped or doubled, for the log; each once.
  const std::vector<std::string>& remarks() const noexcept { return remarks_; }

 private:
  Progress refuse(std::string why);
  Progress parse(std::string_view block);
  bool take_line(std::string_view line);
  bool take_header(std::string_view name, std::string_view value);
  bool take_status(std::string_view value);
  void remark(std::string text);

  std::string held_;         ///< of a head that came in pieces
  std::size_t scanned_ = 0;  ///< bytes of held_ that no head ends in
  AnswerHead head_;
  bool has_status_ = false;
  std::string_view rest_;
  std::string why_;
  std::vector<std::string> remarks_;
};

}  // namespace manhattan::http
