// SPDX-License-Identifier: MIT
// A FastCGI program in C++ that instruments itself, with no wrapper: pages, cookie and pixel by
// Middleware, goals and splits by Visitor. Build:
//
//     c++ pies.cc $(pkg-config --cflags --libs libmanhattan) -lfcgi
//
// Usage: pies SOCKET SECRET_FILE RING LOG_PREFIX
#include <fcgiapp.h>
#include <log/ring_log.h>
#include <wrap/fast_cgi_answer.h>

#include <iostream>

namespace {

std::string page(manhattan::FastCgiAnswer& answer) {
  auto& visitor = answer.visitor();
  const auto path = answer.environment().get("DOCUMENT_URI");
  if (path == "/order") {
    visitor.goal({.name = "Order Placed",
                  .value = manhattan::Decimal::parse("12.50"),
                  .type = manhattan::ValueType::sum,
                  .format = manhattan::ValueFormat::currency});
    return "Status: 303 See Other\r\nLocation: /\r\n\r\n";
  }
  if (path != "/") return "Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno such pie\n";
  const auto colour = visitor.split("Blue Button", std::vector<std::string>{"control", "blue"});
  return "Content-Type: text/html\r\n\r\n<html><body><a class=\"" + colour +
         "\" href=\"/order\">A pie</a></body></html>\n";
}

void serve(FCGX_Request& request, const manhattan::Middleware& middleware, manhattan::Log& log) {
  manhattan::FastCgiAnswer answer(middleware, log, request);
  if (answer.is_needed() && !answer.write(page(answer))) return;  // the browser went away
  if (!answer.finish()) std::cerr << "pies: an answer was not sent\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "Usage: pies SOCKET SECRET_FILE RING LOG_PREFIX\n";
    return 2;
  }
  manhattan::base::MessageLog messages("pies", manhattan::base::MessageLog::Level::warning);
  const manhattan::Middleware middleware(manhattan::visitor::Signer::from_file(argv[2]), {},
                                         messages);
  manhattan::base::SystemFiles files;
  manhattan::RingLog log(argv[3], argv[4], files);

  FCGX_Init();
  FCGX_Request request;
  FCGX_InitRequest(&request, FCGX_OpenSocket(argv[1], 128), 0);
  while (FCGX_Accept_r(&request) == 0) {
    serve(request, middleware, log);
    FCGX_Finish_r(&request);
  }
}
