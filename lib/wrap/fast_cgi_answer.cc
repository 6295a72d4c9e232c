// SPDX-License-Identifier: MIT
#include "wrap/fast_cgi_answer.h"

#include <fcgiapp.h>

#include "http/rewrite.h"
#include "wrap/answer_stream.h"

namespace manhattan {

struct FastCgiAnswer::Inside final : http::Sink {
  Inside(const Middleware& middleware, Log& log, FCGX_Request& asked)
      : request(asked),
        visit(middleware.begin(asked.envp, environment, log)),
        stream(visit.request().method,
               [this](http::AnswerHead& head) { return visit.rewrite(head); }) {}

  void write(std::string_view bytes) override {
    while (!bytes.empty() && is_sent) {
      const auto piece = bytes.substr(0, 1 << 20);  // libfcgi counts in int
      const int size = static_cast<int>(piece.size());
      is_sent = ::FCGX_PutStr(piece.data(), size, request.out) == size;
      bytes.remove_prefix(piece.size());
    }
  }

  FCGX_Request& request;
  http::Environment environment;  // empty until it is asked for
  Visit visit;
  wrap::AnswerStream stream;
  bool is_sent = true;
};

FastCgiAnswer::FastCgiAnswer(const Middleware& middleware, Log& log, FCGX_Request& request)
    : inside_(std::make_unique<Inside>(middleware, log, request)) {
  if (!is_needed()) {
    inside_->write(inside_->visit.answer_pixel());
  } else {
    inside_->visit.open();
  }
}

FastCgiAnswer::~FastCgiAnswer() = default;

bool FastCgiAnswer::is_needed() const noexcept { return !inside_->visit.is_for_pixel(); }

Visitor& FastCgiAnswer::visitor() { return inside_->visit.visitor(); }

const http::Environment& FastCgiAnswer::environment() { return inside_->visit.tell(); }

bool FastCgiAnswer::write(std::string_view bytes) {
  if (!is_needed()) return false;
  inside_->stream.feed(bytes, *inside_);
  return inside_->stream.refusal().empty() && inside_->is_sent;
}

bool FastCgiAnswer::finish() {
  if (!is_needed()) return inside_->is_sent;
  inside_->stream.finish(*inside_);
  if (inside_->stream.has_begun()) return inside_->is_sent;
  inside_->write(http::plain_answer("500 Internal Server Error"));
  return false;
}

}  // namespace manhattan
