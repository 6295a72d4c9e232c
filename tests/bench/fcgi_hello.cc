// SPDX-License-Identifier: MIT
// A FastCGI program that does nothing else than answer, with libmanhattan or without.
// Usage: fcgi_hello SOCKET [SECRET_FILE RING LOG_PREFIX | MICROSECONDS_TO_PASS_FIRST]
#include <fcgiapp.h>
#include <log/ring_log.h>
#include <wrap/fast_cgi_answer.h>

#include <chrono>
#include <string>

namespace {

const std::string kPage =
    "Content-Type: text/html\r\n\r\n<html><body>" + std::string(990, 'x') + "</body></html>\n";

void serve_instrumented(FCGX_Request& request, char** argv) {
  manhattan::base::MessageLog messages("hello", manhattan::base::MessageLog::Level::error);
  const manhattan::Middleware middleware(manhattan::visitor::Signer::from_file(argv[2]), {},
                                         messages);
  manhattan::base::SystemFiles files;
  manhattan::RingLog log(argv[3], argv[4], files);
  while (FCGX_Accept_r(&request) == 0) {
    manhattan::FastCgiAnswer answer(middleware, log, request);
    if (!answer.write(kPage) || !answer.finish()) break;
    FCGX_Finish_r(&request);
  }
}

/// Passes the time on the processor.
void work_for(std::chrono::microseconds time) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + time;
  while (Clock::now() < end) continue;
}

}  // namespace

int main(int argc, char** argv) {
  FCGX_Init();
  FCGX_Request request;
  FCGX_InitRequest(&request, FCGX_OpenSocket(argv[1], 1024), 0);
  if (argc == 5) serve_instrumented(request, argv);
  const std::chrono::microseconds first(argc == 3 ? std::stoi(argv[2]) : 0);
  while (FCGX_Accept_r(&request) == 0) {
    if (first.count() > 0) work_for(first);
    FCGX_PutStr(kPage.data(), static_cast<int>(kPage.size()), request.out);
    FCGX_Finish_r(&request);
  }
}
