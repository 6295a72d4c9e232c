// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "http/environment.h"
#include "visitor/visitor.h"
#include "wrap/middleware.h"

struct FCGX_Request;  // fcgiapp.h's

namespace manhattan {

/// Instruments one request of a program that serves FastCGI itself, by libfcgi: make it after
/// FCGX_Accept_r, write the answer through it, finish it before FCGX_Finish_r.
///
/// Owns:    nothing; middleware, log and request must outlive it.
/// Threads: one.
/// Blocks:  when the web server does, as FCGX_PutStr does.
class FastCgiAnswer {
 public:
  /// Reads the parameters and records the page.
  FastCgiAnswer(const Middleware& middleware, Log& log, FCGX_Request& request);
  ~FastCgiAnswer();

  /// False: the request was for the pixel, which has been answered. Just finish.
  bool is_needed() const noexcept;
  /// Who asks: goals and splits go here.
  Visitor& visitor();
  /// The parameters, and what Manhattan adds: MANHATTAN_VISITOR, MANHATTAN_SPLIT_NAME, ... Until
  /// FCGX_Finish_r. Made at the first call: FCGX_GetParam is cheaper for one parameter.
  const http::Environment& environment();

  /// Takes the next piece of an answer as a CGI program writes it: headers, a blank line, the body.
  /// False: nobody listens any more, or the head is none; what follows is of no use.
  [[nodiscard]] bool write(std::string_view bytes);
  /// The answer is whole. False: it could not be sent, or there was no proper head: then status
  /// 500 has been.
  [[nodiscard]] bool finish();

 private:
  struct Inside;

  std::unique_ptr<Inside> inside_;
};

}  // namespace manhattan
