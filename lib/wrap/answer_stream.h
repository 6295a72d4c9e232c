// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/head_parser.h"
#include "http/pixel_injector.h"
#include "http/sink.h"

namespace manhattan::wrap {

/// Turns what a program writes into what its client gets, as it comes.
class AnswerStream {
 public:
  /// Changes a head before it is sent; may ask for a pixel in the page, whose tag outlives this.
  using Rewrite = std::function<std::optional<http::Pixel>(http::AnswerHead&)>;

  /// `method` must outlive this; `rewrite` may be empty.
  AnswerStream(std::string_view method, Rewrite rewrite)
      : method_(method), rewrite_(std::move(rewrite)) {}

  /// Passes on to `out` what the client may have by now: the head in one piece, then of the body.
  /// After a refusal, nothing.
  void feed(std::string_view bytes, http::Sink& out);
  /// The program has closed its output: passes on the rest.
  void finish(http::Sink& out);
  /// The program was cut off: passes on the rest as it is, unless the answer is whole.
  void abandon(http::Sink& out);

  /// The head has been passed on.
  bool has_begun() const noexcept { return has_begun_; }
  /// Of the head that was passed on.
  int status() const noexcept { return status_; }
  /// Why there will be no answer; empty while there may be one.
  const std::string& refusal() const noexcept { return parser_.why(); }
  /// Fewer bytes came than Content-Length had promised.
  bool is_short() const noexcept { return left_bytes_.value_or(0) > 0; }
  /// All came that can: a Content-Length is reached, or there is no body.
  bool is_whole() const noexcept { return has_begun_ && (!has_body_ || left_bytes_ == 0U); }
  /// What the log should tell of the head.
  const std::vector<std::string>& remarks() const noexcept { return parser_.remarks(); }

 private:
  void begin(http::Sink& out);
  void pass(std::string_view bytes, http::Sink& out);

  std::string_view method_;
  Rewrite rewrite_;
  http::HeadParser parser_;
  bool has_begun_ = false;
  int status_ = 0;
  bool has_body_ = true;
  std::optional<std::uint64_t> left_bytes_;  ///< of Content-Length, where it stands
  std::optional<http::PixelInjector> injector_;
};

}  // namespace manhattan::wrap
