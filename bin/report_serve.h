// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/environment.h"
#include "wrap/listener.h"

namespace manhattan::program {

/// What a CGI program prints: head, blank line, body.
using CgiAnswer = std::function<std::string(const http::Environment&)>;

/// Answers the one request in our own environment. IoError where nobody takes it.
void answer_cgi(const CgiAnswer& answer);

/// Answers FastCGI requests, one after the other, until SIGTERM or SIGINT. A web server that stops
/// in the middle of one is left after some seconds.
void serve_fast_cgi(const std::vector<wrap::Listener>& listeners, const CgiAnswer& answer);

}  // namespace manhattan::program
