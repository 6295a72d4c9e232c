// SPDX-License-Identifier: MIT
#include "wrap/answer_stream.h"

#include <charconv>

namespace manhattan::wrap {
namespace {

constexpr std::size_t kMostlyEnough = 512;  // bytes of a head, with the cookie

std::optional<std::uint64_t> length_of(const http::AnswerHead& head) {
  const auto text = head.find("Content-Length");
  std::uint64_t length = 0;
  if (!text || text->empty()) return {};
  const auto* end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, length);
  if (read.ec != std::errc{} || read.ptr != end) return {};
  return length;
}

}  // namespace

void AnswerStream::feed(std::string_view bytes, http::Sink& out) {
  if (has_begun_) return pass(bytes, out);
  if (!refusal().empty()) return;
  if (parser_.feed(bytes) == http::HeadParser::Progress::complete) begin(out);
}

void AnswerStream::begin(http::Sink& out) {
  auto& head = parser_.head();
  // Where the promised length can't be read, the server would refuse it or believe something else.
  // And where the server replaces the body, it knows the length of what it sends.
  const auto length = http::is_handed_over(head) ? std::nullopt : length_of(head);
  if (!length) head.remove("Content-Length");
  const auto pixel = rewrite_ ? rewrite_(head) : std::nullopt;
  has_begun_ = true;
  status_ = head.status;
  has_body_ = !http::is_bodiless(method_, head.status);
  if (has_body_) left_bytes_ = length;
  if (has_body_ && pixel) injector_.emplace(*pixel);
  std::string text;
  text.reserve(kMostlyEnough);
  head.append_to(text);
  out.write(text);
  pass(parser_.rest(), out);
}

void AnswerStream::pass(std::string_view bytes, http::Sink& out) {
  if (!has_body_ || bytes.empty()) return;
  if (left_bytes_) {
    bytes = bytes.substr(0, *left_bytes_);
    *left_bytes_ -= bytes.size();
  }
  if (injector_) {
    injector_->feed(bytes, out);
  } else {
    out.write(bytes);
  }
}

void AnswerStream::finish(http::Sink& out) {
  if (!has_begun_) parser_.end();
  if (!injector_) return;
  is_short() ? injector_->abandon(out) : injector_->finish(out);
}

void AnswerStream::abandon(http::Sink& out) {
  if (is_whole()) return finish(out);
  if (!has_begun_) parser_.end();
  if (injector_) injector_->abandon(out);
}

}  // namespace manhattan::wrap
