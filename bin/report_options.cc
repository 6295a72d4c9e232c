// SPDX-License-Identifier: MIT
#include "bin/report_options.h"

#include "base/error.h"
#include "query/endpoint.h"
#include "wrap/socket_access.h"
#include "wrap/socket_address.h"

namespace manhattan::program {
namespace {

void check_report(const options::variables_map& values) {
  const auto access = wrap::SocketAccess::parse(values["socket-mode"].as<std::string>(),
                                                values["socket-owner"].as<std::string>());
  if (values.count("socket") == 0) return;
  const auto address = wrap::SocketAddress::parse(values["socket"].as<std::string>());
  if (access.is_given() && !address.is_path())
    throw ConfigError("'" + address.text + "' is no path: it has neither mode nor owner");
}

}  // namespace

Program report_program() {
  Program program;
  program.name = "manhattan-report";
  program.synopsis = "[options]";
  program.purpose =
      "Answer CGI or FastCGI requests with a page of what a manhattan-server has counted.";
  const auto has_address = [](const std::string& text) { wrap::SocketAddress::parse(text); };
  const auto is_owner = [](const std::string& text) { wrap::SocketAccess::parse("", text); };
  const auto is_mode = [](const std::string& mode) { wrap::SocketAccess::parse(mode, ""); };
  // clang-format off
  program.described = {
      text("connect", "ENDPOINT", "the server: tcp://HOST:PORT or ipc://PATH")
          .by_default(query::kDefaultEndpoint).checked_by(query::check_endpoint),
      number("wait", "MS", "give up after MS milliseconds, with status 503")
          .by_default(3000).between(1, 60'000),
      text("title", "TEXT", "heading of the page").by_default("Manhattan").free_text(),
      text("rollup", "KEY", "rollup of the time series; default day, or what the server has")
          .free_text(),
      number("site", "ID", "one site; default all together").between(0, INT32_MAX),
      number("refresh", "SECONDS", "let the browser load the page anew; 0: never")
          .by_default(60).between(0, 24 * 3600),
      text("socket", "ADDRESS", "serve FastCGI there: a path, or HOST:PORT")
          .checked_by(wrap::SocketAddress::check).checked_on_machine(has_address),
      text("socket-mode", "MODE", "permissions of the socket, as 0660")
          .by_default("").checked_by(is_mode),
      text("socket-owner", "USER:GROUP", "owner of the socket: USER, USER:GROUP or :GROUP")
          .by_default("").checked_on_machine(is_owner)};
  // clang-format on
  program.check = check_report;
  return program;
}

}  // namespace manhattan::program
