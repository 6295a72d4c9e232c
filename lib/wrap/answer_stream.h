// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/head_parser.h"
#include "http/pixel_injector.h"

namespace manhattan::wrap {

/// Turns what a program writes into what its client gets, as it comes.
class AnswerStream {
 public:
  /// Changes a head before it is sent; may ask for a tag in the page, which outlives this.
  using Rewrite = std::function<std::optional<std::string_view>(http::AnswerHead&)>;

  /// `rewrite` may be empty.
  AnswerStream(std::string_view method, Rewrite rewrite)
      : method_(method), rewrite_(std::move(rewrite)) {}

  /// Appends to `out` what the client may have by now. After a refusal, nothing.
  void feed(std::string_view bytes, std::string& out);
  /// The program has closed its output: appends the rest.
  void finish(std::string& out);
  /// The program was cut off: appends the rest as it is.
  void abandon(std::string& out);

  /// The head has been passed on.
  bool has_begun() const noexcept { return has_begun_; }
  /// Of the head that was passed on.
  int status() const noexcept { return status_; }
  /// Why there will be no answer; empty while there may be one.
  const std::string& refusal() const noexcept { return refusal_; }
  /// Fewer bytes came than Content-Length had promised.
  bool is_short() const noexcept { return left_bytes_.value_or(0) > 0; }
  /// What the log should tell of the head.
  const std::vector<std::string>& remarks() const noexcept { return parser_.remarks(); }

 private:
  void begin(std::string& out);
  void pass(std::string_view bytes, std::string& out);

  std::string method_;
  Rewrite rewrite_;
  http::HeadParser parser_;
  std::string refusal_;
  bool has_begun_ = false;
  int status_ = 0;
  bool has_body_ = true;
  std::optional<std::uint64_t> left_bytes_;  ///< of Content-Length, where it stands
  std::optional<http::PixelInjector> injector_;
};

}  // namespace manhattan::wrap
