// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE wrap_protocol
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "tests/support/fcgi_wrapper.h"

using namespace manhattan;
using namespace manhattan::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// ---- FastCGI

BOOST_AUTO_TEST_CASE(parameters_may_come_byte_by_byte) {
  FcgiWrapper wrapper;
  FcgiClient client(wrapper.socket());
  client.dribble();
  client.begin();
  client.parameters(wrapper.get(wrapper.shell("p", "echo $HTTP_HOST")));
  client.body("");
  BOOST_TEST(client.answer().body() == "example.com\n");
}

BOOST_AUTO_TEST_CASE(a_kept_connection_serves_again_and_again) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "cat");
  FcgiClient client(wrapper.socket());
  for (int i = 1; i <= 5; ++i) {
    client.begin(FcgiClient::Connection::keep, 1, i);
    client.parameters(wrapper.get(program), i);
    client.body(std::to_string(i), i);
    const auto answer = client.answer();
    BOOST_TEST(answer.is_ended);
    BOOST_TEST(answer.body() == std::to_string(i));
  }
}

BOOST_AUTO_TEST_CASE(requests_sent_ahead_are_answered_one_after_the_other) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "cat");
  FcgiClient client(wrapper.socket());
  client.hold();
  for (int i = 1; i <= 5; ++i) {
    client.begin(FcgiClient::Connection::keep, 1, i);
    client.parameters(wrapper.get(program), i);
    client.body(std::string(i * 9'000, static_cast<char>('0' + i)), i);
    client.record(9, "", 0);  // FCGI_GET_VALUES between two requests
  }
  client.send_held();
  for (int i = 1; i <= 5; ++i) {
    const auto answer = client.answer();
    BOOST_TEST(answer.is_ended);
    BOOST_TEST(answer.body() == std::string(i * 9'000, static_cast<char>('0' + i)));
  }
}

BOOST_AUTO_TEST_CASE(a_request_behind_the_last_one_of_a_connection_is_not_waited_for) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "echo a");
  FcgiClient client(wrapper.socket());
  client.hold();
  for (const int id : {1, 2}) {
    client.begin(FcgiClient::Connection::close, 1, id);
    client.parameters(wrapper.get(program), id);
    client.body("", id);
  }
  client.send_held();
  BOOST_TEST(client.answer().body() == "a\n");
  BOOST_TEST(client.answer().is_closed);
}

BOOST_AUTO_TEST_CASE(a_request_taken_back_at_once_runs_nothing) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "touch ran");
  FcgiClient client(wrapper.socket());
  client.hold();
  client.begin();
  client.parameters(wrapper.get(program));
  client.body("");
  client.record(2, "", 1);  // FCGI_ABORT_REQUEST
  client.send_held();
  BOOST_TEST(client.answer().status() == 400);
  BOOST_TEST(!std::filesystem::exists(wrapper.path("ran")));
}

BOOST_AUTO_TEST_CASE(a_connection_that_asks_nothing_is_closed_in_the_end) {
  FcgiWrapper wrapper([](auto& settings, auto&) { settings.idle_limit = std::chrono::seconds(1); });
  FcgiClient silent(wrapper.socket()), kept(wrapper.socket());
  kept.begin(FcgiClient::Connection::keep);
  kept.parameters(wrapper.get(wrapper.shell("p", "echo a")));
  kept.body("");
  BOOST_TEST(kept.answer().is_ended);
  BOOST_TEST(silent.answer().is_closed);
  BOOST_TEST(kept.answer().is_closed);
}

BOOST_AUTO_TEST_CASE(a_connection_not_to_be_kept_is_closed) {
  FcgiWrapper wrapper;
  FcgiClient client(wrapper.socket());
  client.begin();
  client.parameters(wrapper.get(wrapper.shell("p", "echo a")));
  client.body("");
  BOOST_TEST(client.answer().is_ended);
  BOOST_TEST(client.answer().is_closed);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_survives_an_unread_body_and_a_refusal) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "echo a");
  FcgiClient client(wrapper.socket());
  for (const auto& path : {program, wrapper.path("missing"), program}) {
    client.begin(FcgiClient::Connection::keep);
    client.parameters(wrapper.get(path));
    client.body(std::string(200'000, 'x'));
    BOOST_TEST(client.answer().is_ended);
  }
}

BOOST_AUTO_TEST_CASE(a_request_of_very_many_variables_is_refused_and_costs_no_other_anything) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "echo ran");
  FcgiClient client(wrapper.socket());
  for (const int variables : {12'000, 100'000}) {
    client.begin(FcgiClient::Connection::keep);
    std::string content;
    for (int i = 0; i < variables; ++i) {
      // All of one length, end and middle, as somebody would choose them who wants it to take long.
      content.append({'\16', '\1'}).append("HTTP_").append(std::to_string(1'000'000 + i)) += "XX";
      content += 'v';
      if (content.size() < 60'000 && i + 1 < variables) continue;
      client.record(4, content, 1);
      content.clear();
    }
    client.record(4, "", 1);
    client.body("");
    const auto answer = client.answer();
    BOOST_TEST(answer.status() == 431);
    BOOST_TEST(answer.is_ended);
    client.begin(FcgiClient::Connection::keep);
    client.parameters(wrapper.get(program));
    client.body("");
    BOOST_TEST(client.answer().body() == "ran\n");
  }
  BOOST_TEST(has(wrapper.messages(), "431: "));
}

BOOST_AUTO_TEST_CASE(get_values_is_answered) {
  FcgiWrapper wrapper;
  FcgiClient client(wrapper.socket());
  client.record(9, std::string("\x0f\0FCGI_MPXS_CONNS", 17), 0);
  int type = 0;
  BOOST_TEST(client.next_record(type) == std::string("\x0f\x01"
                                                     "FCGI_MPXS_CONNS0"));
  BOOST_TEST(type == 10);
  client.begin();
  client.parameters(wrapper.get(wrapper.shell("p", "echo a")));
  client.body("");
  BOOST_TEST(client.answer().body() == "a\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_management_record_is_called_that) {
  FcgiWrapper wrapper;
  FcgiClient client(wrapper.socket());
  client.record(77, "what", 0);
  int type = 0;
  BOOST_TEST(client.next_record(type) == std::string("\x4d\0\0\0\0\0\0\0", 8));
  BOOST_TEST(type == 11);
}

BOOST_AUTO_TEST_CASE(a_second_request_beside_the_first_is_refused) {
  FcgiWrapper wrapper;
  FcgiClient client(wrapper.socket());
  client.begin(FcgiClient::Connection::keep, 1, 1);
  client.begin(FcgiClient::Connection::keep, 1, 2);
  int type = 0;
  const auto content = client.next_record(type);
  BOOST_TEST(type == 3);
  BOOST_TEST(int(content.at(4)) == 1);  // FCGI_CANT_MPX_CONN
}

BOOST_DATA_TEST_CASE(garbage_closes_its_connection_and_no_other,
                     boost::unit_test::data::make({0, 1, 2, 3}), kind) {
  FcgiWrapper wrapper;
  {
    FcgiClient client(wrapper.socket());
    if (kind == 0) client.raw(std::string(100, '\xff'));
    if (kind == 1) client.raw("GET / HTTP/1.0\r\n\r\n");
    if (kind == 2) client.begin(FcgiClient::Connection::close, 9);  // no such role
    if (kind == 3) {
      client.begin();
      client.record(4, "\xff\xff\xff\xff", 1);  // a name of 2 GiB
      client.record(4, "", 1);
    }
    if (kind == 2) {
      client.parameters({});
      client.body("");
    }
    const auto answer = client.answer();
    BOOST_TEST((answer.is_closed || answer.protocol_status == 3));  // FCGI_UNKNOWN_ROLE
    BOOST_TEST(answer.out == "");
  }
  BOOST_TEST(wrapper.run("echo alive").body() == "alive\n");
}

BOOST_AUTO_TEST_CASE(connections_that_come_and_go_leak_no_descriptor) {
  FcgiWrapper wrapper([](auto& settings, auto&) { settings.jobs = 1; });  // one log is open
  const auto count = [&] {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(wrapper.pid()) + "/fd");
    return std::distance(begin(all), end(all));
  };
  const auto program = wrapper.shell("p", "echo a >&2; cat");
  wrapper.ask(wrapper.get(program), "x");
  const auto before = count();
  for (int i = 0; i < 50; ++i) {
    wrapper.ask(wrapper.get(program), std::string(i * 5000, 'x'));
    wrapper.ask(wrapper.get(wrapper.path("missing")));
    FcgiClient(wrapper.socket()).raw("x");
  }
  BOOST_TEST(becomes_true([&] { return count() <= before; }));
}

BOOST_AUTO_TEST_CASE(descriptors_beyond_the_soft_limit_serve_and_programs_find_it_as_it_was) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  BOOST_REQUIRE(before.rlim_max >= 2000U);
  const rlimit low{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  FcgiWrapper wrapper;
  rlimit enough = before;
  enough.rlim_cur = before.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &enough);
  std::vector<std::unique_ptr<FcgiClient>> idle;
  for (int i = 0; i < 1100; ++i) idle.push_back(std::make_unique<FcgiClient>(wrapper.socket()));
    // Where no clone() is, the limit is set when the program has begun already.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  const std::string begun = "until [ $(ulimit -Sn) -eq 64 ]; do :; done; ";
#else
  const std::string begun;
#endif
  BOOST_TEST(wrapper.run(begun + "ulimit -Sn; ulimit -Hn; cat").body() ==
             "64\n" + std::to_string(before.rlim_max) + "\n");
  // Its descriptor is over what a select(2) could take.
  idle.back()->begin(FcgiClient::Connection::keep);
  idle.back()->parameters(wrapper.get(wrapper.shell("p", "cat")));
  idle.back()->body("a body");
  BOOST_TEST(idle.back()->answer().body() == "a body");
  ::setrlimit(RLIMIT_NOFILE, &before);
}

// ---- Which program, and what it finds

BOOST_AUTO_TEST_CASE(a_program_that_cannot_run_says_why) {
  FcgiWrapper wrapper;
  const auto status = [&](const std::string& path) {
    return wrapper.ask(wrapper.get(path)).status();
  };
  const auto plain = wrapper.program("plain", "text");
  ::chmod(plain.c_str(), 0644);
  BOOST_TEST(status(wrapper.path("missing")) == 404);
  BOOST_TEST(status(wrapper.path("")) == 403);
  BOOST_TEST(status(plain) == 403);
  BOOST_TEST(status(wrapper.program("p", "#!/no/such/interpreter\n")) == 502);
  BOOST_TEST(status(wrapper.program("q", "neither script nor binary")) == 502);
  BOOST_TEST(status(wrapper.path("../" + wrapper.path("p"))) == 403);
  BOOST_TEST(status("") == 404);
  for (const auto* why : {"404: cannot run", "403: cannot run", "interpreter", "Exec format"}) {
    BOOST_TEST(has(wrapper.messages(), why), why);
  }
  BOOST_TEST(wrapper
                 .ask(wrapper.get(plain, {{"HTTP_BIG", std::string(200'000, 'x')},
                                          {"SCRIPT_FILENAME", wrapper.shell("r", "")}}))
                 .status() == 431);
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_path_is_path_info) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "echo \"$SCRIPT_NAME|$PATH_INFO|$SCRIPT_FILENAME\"");
  const auto answer = wrapper.ask(
      wrapper.get(program, {{"SCRIPT_FILENAME", program + "/a b/c"}, {"SCRIPT_NAME", "/p/a b/c"}}));
  BOOST_TEST(answer.body() == "/p|/a b/c|" + program + "\n");
}

BOOST_AUTO_TEST_CASE(a_fixed_program_runs_for_every_request) {
  FcgiWrapper wrapper([](auto& settings, auto&) {
    settings.fixed = wrap::fixed_target({"printf", "A: b\\n\\n%s.", "one", "two"});
  });
  BOOST_TEST(wrapper.ask(wrapper.get("/whatever")).body() == "one.A: b\n\ntwo.");
}

BOOST_AUTO_TEST_CASE(a_fixed_program_finds_the_path_below_its_location) {
  constexpr auto kTell =
      "printf 'A: b\n\n'; echo \"$SCRIPT_NAME|$PATH_INFO|$PATH_TRANSLATED|$MANHATTAN_LOCATION\"";
  const FcgiWrapper wrapper([&](auto& settings, auto&) {
    settings.fixed = wrap::fixed_target({"/bin/sh", "-c", kTell});
  });
  const struct {
    const char *name, *rest, *uri, *location, *due;
  } cases[] = {
      {"/r.git/log/", nullptr, "/r.git/log/", nullptr, "|/r.git/log/|/d/r.git/log/|"},
      {"/", nullptr, "/", nullptr, "|/|/d/|"},
      // What the web server has split stays.
      {"/git", "/r.git/a b", "/git/r.git/a b", nullptr, "/git|/r.git/a b|/d/r.git/a b|"},
      {"/a", "/a", "/a/a", nullptr, "/a|/a|/d/a|"},
      // A PATH_INFO beside nginx's whole path.
      {"/git/r.git", "/r.git", "/git/r.git", nullptr, "/git|/r.git|/d/r.git|"},
      {"/r.git", "/r.git", "/r.git", nullptr, "|/r.git|/d/r.git|"},
      // What it has split where it found a file, or after the first piece, is put right.
      {"/r.git", "/log/", nullptr, "/", "|/r.git/log/|/d/r.git/log/|"},
      {"/git/r.git", "/log/", nullptr, "/git/", "/git|/r.git/log/|/d/r.git/log/|"},
      {"/git/r.git/log", nullptr, nullptr, "/git", "/git|/r.git/log|/d/r.git/log|"},
      {"/git/", nullptr, nullptr, "/git/", "/git|/|/d/|"},
      {"/git", nullptr, nullptr, "/git", "/git|||"},
      {"/gitweb/x", nullptr, nullptr, "/git", "|/gitweb/x|/d/gitweb/x|"},
  };
  for (const auto& [name, rest, uri, location, due] : cases) {
    FcgiParameters given{{"REQUEST_METHOD", "GET"}, {"DOCUMENT_ROOT", "/d"}, {"SCRIPT_NAME", name}};
    if (rest) given.emplace_back("PATH_INFO", rest);
    if (uri) given.emplace_back("DOCUMENT_URI", uri);
    if (location) given.emplace_back("MANHATTAN_LOCATION", location);
    BOOST_TEST(wrapper.ask(given).body() == due + std::string("\n"), name << " at " << due);
  }
  BOOST_TEST(wrapper.ask({{"CGIT_CONFIG", "/etc/cgitrc"}}).status() == 404);
  BOOST_TEST(has(wrapper.messages(), "no REQUEST_METHOD (in nginx, a location"));
}

BOOST_AUTO_TEST_CASE(php_as_a_fixed_program_finds_its_file_as_the_web_server_named_it) {
  const FcgiWrapper wrapper(
      [](auto& settings, auto&) { settings.fixed = wrap::fixed_target({"php-cgi"}); });
  const auto file = wrapper.program(
      "x.php", "<?php echo $_SERVER['SCRIPT_NAME'], '|', $_SERVER['PATH_INFO'] ?? '-';");
  ::chmod(file.c_str(), 0644);
  BOOST_TEST(wrapper.ask(wrapper.get(file, {{"SCRIPT_NAME", "/x.php"}})).body() == "/x.php|-");
}

BOOST_AUTO_TEST_CASE(a_program_finds_what_cgi_promises) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "env; pwd; ls /proc/self/fd | tr '\\n' ' '");
  const auto body = wrapper
                        .ask(wrapper.get(program, {{"HTTP_PROXY", "http://evil/"},
                                                   {"LD_PRELOAD", "/evil.so"},
                                                   {"HTTP_X_Y", "z"}}))
                        .body();
  for (const auto* line : {"GATEWAY_INTERFACE=CGI/1.1\n", "REDIRECT_STATUS=200\n", "HTTP_X_Y=z\n",
                           "MANHATTAN_SITE=0\n", "MANHATTAN_RING=none\n", "PATH=/"}) {
    BOOST_TEST(has(body, line), line << " in " << body);
  }
  for (const auto* name : {"HTTP_PROXY", "LD_PRELOAD", "FCGI_ROLE", "LISTEN_", "HOME="}) {
    BOOST_TEST(!has(body, name), name);
  }
  BOOST_TEST(has(body, "\n" + wrapper.path("").substr(0, wrapper.path("").size() - 1) + "\n"));
  BOOST_TEST(body.ends_with("0 1 2 3 "));  // 3 is the folder that ls reads
}

BOOST_AUTO_TEST_CASE(a_program_has_default_signals_and_its_own_group) {
  ::signal(SIGUSR2, SIG_IGN);  // inherited by the server
  FcgiWrapper wrapper;
  ::signal(SIGUSR2, SIG_DFL);
  const auto program = wrapper.program(
      "p",
      "#!/usr/bin/python3 -S\nprint('A: b\\n')\nprint(open('/proc/self/status').read())\n"
      "import os\nprint('leads' if os.getpgrp() == os.getpid() else 'follows')\n");
  const auto body = wrapper.ask(wrapper.get(program)).body();
  BOOST_TEST(has(body, "SigBlk:\t0000000000000000\n"));
  // Python itself ignores SIGPIPE and SIGXFSZ; 32 and 33 are glibc's own, ignored by posix_spawn.
  const auto ignored = std::stoull(body.substr(body.find("SigIgn:") + 7), nullptr, 16);
  BOOST_TEST((ignored & 0x7fffffff) == 0x1001000U);
  BOOST_TEST(has(body, "leads"));
}

// ---- Sockets

BOOST_AUTO_TEST_CASE(a_socket_left_behind_is_replaced_and_a_live_one_is_not) {
  FcgiWrapper wrapper;
  const auto path = wrapper.path("other");
  { wrap::Listener::open(path).release_path(); }
  BOOST_TEST(::access(path.c_str(), F_OK) == 0);
  {
    const auto listener = wrap::Listener::open("unix:" + path);
    BOOST_CHECK_THROW(wrap::Listener::open(path), IoError);
  }
  BOOST_TEST(::access(path.c_str(), F_OK) != 0);
  std::ofstream(path) << "no socket";
  BOOST_CHECK_THROW(wrap::Listener::open(path), IoError);
  BOOST_TEST(contents_of(path) == "no socket");
}

BOOST_AUTO_TEST_CASE(a_port_may_be_listened_on) {
  const auto listener = wrap::Listener::open("127.0.0.1:0");
  BOOST_TEST(listener.fd() >= 0);
  BOOST_TEST(wrap::Listener::open("[::1]:0").fd() >= 0);
}

BOOST_DATA_TEST_CASE(an_address_that_is_none_is_a_mistake_in_the_config,
                     boost::unit_test::data::make({"", "x", ":9000", "localhost:http-no",
                                                   "no.such.host.invalid:1"}),
                     address) {
  BOOST_CHECK_THROW(wrap::Listener::open(address), ConfigError);
}
