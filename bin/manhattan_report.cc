// SPDX-License-Identifier: MIT
// manhattan-report: the page of `manhattan-query report` as a CGI or FastCGI program.
#include <iostream>

#include "base/clock.h"
#include "base/error.h"
#include "bin/query_session.h"
#include "bin/report_options.h"
#include "bin/report_serve.h"
#include "report/page.h"

namespace manhattan::program {
namespace {

using Values = options::variables_map;

/// A CGI answer; `head` has lines of its own, such as a status that is not 200.
std::string cgi_answer(const std::string& method, std::string head, const std::string& body) {
  auto text = std::move(head);
  text +=
      "Content-Type: text/html; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:\r\n\r\n";
  return method == "HEAD" ? text : text + body;
}

std::string answer(const report::Call& call, report::PageOptions chosen,
                   const http::Environment& environment) {
  chosen.asked_at_s = base::SystemClock().now().time_since_epoch() / std::chrono::seconds(1);
  const std::string method(environment.get("REQUEST_METHOD"));
  if (!method.empty() && method != "GET" && method != "HEAD") {
    return cgi_answer(method, "Status: 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n",
                      report::message_page(chosen.title, "only GET and HEAD"));
  }
  try {
    return cgi_answer(method, "", report::page(ask_page(call, chosen)));
  } catch (const report::MissingError& error) {
    return cgi_answer(method, "Status: 404 Not Found\r\n",
                      report::message_page(chosen.title, error.what()));
  } catch (const Error& error) {
    // The reader gets no inside of the machine; who runs it finds it in the web server's log.
    std::cerr << "manhattan-report: " << error.what() << '\n';
    return cgi_answer(
        method, "Status: 503 Service Unavailable\r\n",
        report::message_page(chosen.title, "The numbers are out of reach for the moment."));
  }
}

report::PageOptions page_options(const Values& values) {
  report::PageOptions chosen;
  chosen.title = values["title"].as<std::string>();
  if (values.count("rollup") != 0) chosen.rollup = values["rollup"].as<std::string>();
  chosen.refresh_s = values["refresh"].as<std::int64_t>();
  if (values.count("site") != 0) chosen.site = values["site"].as<std::int64_t>();
  return chosen;
}

int run_report(const Values& values) {
  const auto chosen = page_options(values);
  const auto endpoint = values["connect"].as<std::string>();
  Session session(endpoint, std::chrono::milliseconds(values["wait"].as<std::int64_t>()));
  const auto access = wrap::SocketAccess::parse(values["socket-mode"].as<std::string>(),
                                                values["socket-owner"].as<std::string>());
  const auto call = [&](const query::Request& request) { return session.call(request); };
  const auto answer_one = [&](const http::Environment& environment) {
    return answer(call, chosen, environment);
  };
  auto listeners = wrap::Listener::inherited();
  if (listeners.empty() && values.count("socket") != 0) {
    listeners.push_back(wrap::Listener::open(values["socket"].as<std::string>(), access));
  }
  if (listeners.empty()) {
    answer_cgi(answer_one);
  } else {
    serve_fast_cgi(listeners, answer_one);
  }
  return kDone;
}

}  // namespace
}  // namespace manhattan::program

int main(int argc, char** argv) {
  using manhattan::program::run;
  return run(argc, argv, manhattan::program::report_program(), manhattan::program::run_report);
}
