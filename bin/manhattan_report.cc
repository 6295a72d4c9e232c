// SPDX-License-Identifier: MIT
// manhattan-report: the page of `manhattan-query report` as a CGI program.
#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "bin/program.h"
#include "bin/query_session.h"
#include "report/page.h"

namespace manhattan::program {
namespace {

using Values = options::variables_map;

constexpr std::int64_t kMaxWaitMs = 60'000, kMaxRefreshS = 24 * 3600;

Program report_program() {
  Program program;
  program.name = "manhattan-report";
  program.synopsis = "[options]";
  program.purpose = "Answer a CGI request with a page of what a manhattan-server has counted.";
  // clang-format off
  program.described.add_options()
      ("connect", options::value<std::string>()->default_value(query::kDefaultEndpoint)
          ->value_name("ENDPOINT"), "the server: tcp://HOST:PORT or ipc://PATH")
      ("wait", options::value<std::int64_t>()->default_value(3000)->value_name("MS"),
       "give up after MS milliseconds, with status 503")
      ("title", options::value<std::string>()->default_value("Manhattan")->value_name("TEXT"),
       "heading of the page")
      ("rollup", options::value<std::string>()->default_value("day")->value_name("KEY"),
       "rollup of the time series")
      ("site", options::value<std::int64_t>()->value_name("ID"), "one site; default all together")
      ("refresh", options::value<std::int64_t>()->default_value(60)->value_name("SECONDS"),
       "let the browser load the page anew; 0: never");
  // clang-format on
  return program;
}

std::int64_t within(const Values& values, const char* name, std::int64_t least, std::int64_t most) {
  const auto number = values[name].as<std::int64_t>();
  if (number >= least && number <= most) return number;
  throw ConfigError("--" + std::string(name) + " must be from " + std::to_string(least) + " to " +
                    std::to_string(most));
}

/// A CGI answer; `status` is empty for 200.
void answer(const std::string& status, const std::string& body) {
  const char* method = std::getenv("REQUEST_METHOD");
  if (!status.empty()) std::cout << "Status: " << status << "\r\n";
  std::cout << "Content-Type: text/html; charset=utf-8\r\n"
               "Content-Length: "
            << body.size()
            << "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
               "Referrer-Policy: no-referrer\r\n"
               "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
               "img-src data:\r\n\r\n";
  if (method == nullptr || std::string(method) != "HEAD") std::cout << body;
}

bool is_method_allowed() {
  const char* method = std::getenv("REQUEST_METHOD");
  return method == nullptr || std::string(method) == "GET" || std::string(method) == "HEAD";
}

report::PageOptions page_options(const Values& values) {
  report::PageOptions chosen;
  chosen.title = values["title"].as<std::string>();
  chosen.rollup = values["rollup"].as<std::string>();
  chosen.refresh_s = within(values, "refresh", 0, kMaxRefreshS);
  if (values.count("site") != 0) chosen.site = within(values, "site", 0, INT32_MAX);
  return chosen;
}

int run_report(const Values& values) {
  const auto chosen = page_options(values);
  const auto endpoint = values["connect"].as<std::string>();
  query::check_endpoint(endpoint);
  Session session(endpoint, std::chrono::milliseconds(within(values, "wait", 1, kMaxWaitMs)));
  if (!is_method_allowed()) {
    answer("405 Method Not Allowed", report::message_page(chosen.title, "only GET and HEAD"));
  } else {
    try {
      const auto call = [&](const query::Request& request) { return session.call(request); };
      answer("", report::page(ask_page(call, chosen)));
    } catch (const Error& error) {
      // The reader gets no inside of the machine; who runs it finds it in the web server's log.
      std::cerr << "manhattan-report: " << error.what() << '\n';
      answer("503 Service Unavailable",
             report::message_page(chosen.title, "The numbers are out of reach for the moment."));
    }
  }
  std::cout << std::flush;
  if (!std::cout) throw IoError("write", "standard output", last_error());
  return kDone;
}

}  // namespace
}  // namespace manhattan::program

int main(int argc, char** argv) {
  using manhattan::program::run;
  return run(argc, argv, manhattan::program::report_program(), manhattan::program::run_report);
}
