// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "http/answer_head.h"
#include "http/sink.h"

namespace manhattan::tests {

/// Collects what an answer comes to.
struct TextSink : http::Sink {
  void write(std::string_view bytes) override { text += bytes; }

  std::string text;
};

/// A head as it goes to the web server.
inline std::string text_of(const http::AnswerHead& head) {
  std::string text;
  head.append_to(text);
  return text;
}

}  // namespace manhattan::tests
