// SPDX-License-Identifier: MIT
// What requests may run, who may connect, and how many at a time.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE wrap_reach
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "http/form.h"
#include "tests/support/fcgi_wrapper.h"

using namespace manhattan;
using namespace manhattan::test;
using wrap::Listener;
using wrap::SocketAccess;
namespace fs = std::filesystem;

namespace {

/// The text log's folder is the wrapper's.
std::string folder_of(const Middleware::Settings& settings) {
  return base::folder_of(settings.path_prefix);
}

struct Folder {
  Folder() { BOOST_REQUIRE(::mkdtemp(path) != nullptr); }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string socket() const { return std::string(path) + "/socket"; }
  char path[32] = "/tmp/manhattan-reach-XXXXXX";
};

}  // namespace

BOOST_AUTO_TEST_CASE(programs_outside_of_the_roots_are_refused) {
  const FcgiWrapper wrapper([](wrap::Server::Settings& server, Middleware::Settings& settings) {
    const auto folder = folder_of(settings);
    for (const auto* name : {"/real", "/other", "/in/sub", "/in2"}) {
      fs::create_directories(folder + name);
    }
    fs::create_directory_symlink(folder + "/real", folder + "/link");
    server.roots = wrap::resolve_roots({folder + "/link", folder + "/in"});
  });
  wrapper.ask({});  // it has started
  const auto status_of = [&](const std::string& path) {
    return wrapper.ask(wrapper.get(path)).status();
  };
  for (const auto* name : {"real/p", "other/p", "in/sub/p", "in2/p", "p"}) {
    wrapper.shell(name, "echo ran $PATH_INFO");
  }
  fs::create_symlink("../other/p", wrapper.path("in/out"));
  fs::create_symlink("sub/p", wrapper.path("in/inside"));
  fs::create_directory_symlink("../other", wrapper.path("in/folder"));
  BOOST_TEST(status_of(wrapper.path("real/p")) == 200);
  BOOST_TEST(status_of(wrapper.path("link/p")) == 200);
  BOOST_TEST(status_of(wrapper.path("in/sub/p")) == 200);
  BOOST_TEST(status_of(wrapper.path("in/inside")) == 200);
  BOOST_TEST(wrapper.ask(wrapper.get(wrapper.path("in/sub/p/more"))).body() == "ran /more\n");
  BOOST_TEST(status_of(wrapper.path("in/out")) == 403);
  BOOST_TEST(status_of(wrapper.path("in/folder/p")) == 403);
  BOOST_TEST(status_of(wrapper.path("other/p")) == 403);
  BOOST_TEST(status_of(wrapper.path("in2/p")) == 403);
  BOOST_TEST(status_of(wrapper.path("p")) == 403);
  BOOST_TEST(status_of(wrapper.path("in/../other/p")) == 403);
  BOOST_TEST(status_of(wrapper.path("in/missing")) == 404);
  BOOST_TEST(wrapper.messages().find("none of the roots") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_link_that_changes_runs_nothing_outside_of_the_roots) {
  const FcgiWrapper wrapper([](wrap::Server::Settings& server, Middleware::Settings& settings) {
    const auto folder = folder_of(settings);
    for (const auto* name : {"/in", "/out"}) fs::create_directories(folder + name);
    server.roots = wrap::resolve_roots({folder + "/in"});
  });
  wrapper.ask({});  // it has started
  wrapper.shell("in/script", "echo inside");
  wrapper.shell("out/script", "echo outside");
  std::atomic<bool> is_over = false;
  std::thread swapper([&] {
    const auto link = wrapper.path("in/link"), draft = wrapper.path("in/draft");
    for (int i = 0; !is_over; ++i) {
      fs::create_directory_symlink(i % 2 == 0 ? "../out" : ".", draft);
      fs::rename(draft, link);
    }
  });
  int inside = 0, refused = 0, outside = 0;
  while (outside == 0 && (inside < 200 || refused < 200)) {
    const auto answer = wrapper.ask(wrapper.get(wrapper.path("in/link/script")));
    inside += answer.body() == "inside\n";
    refused += answer.status() == 403;
    outside += answer.body() == "outside\n";
  }
  is_over = true;
  swapper.join();
  BOOST_TEST(outside == 0);
}

BOOST_AUTO_TEST_CASE(with_roots_a_program_is_told_the_path_that_was_checked) {
  const FcgiWrapper wrapper([](wrap::Server::Settings& server, Middleware::Settings& settings) {
    const auto folder = folder_of(settings);
    fs::create_directories(folder + "/in/sub");
    server.roots = wrap::resolve_roots({folder + "/in"});
  });
  wrapper.ask({});
  const auto real = wrapper.shell("in/sub/p", "echo \"$SCRIPT_FILENAME $0 $PATH_INFO\"; pwd");
  fs::create_directory_symlink("sub", wrapper.path("in/link"));
  const auto told = real + " " + real + " /a b\n" + wrapper.path("in/sub") + "\n";
  BOOST_TEST(wrapper.ask(wrapper.get(wrapper.path("in/link/p/a b"))).body() == told);
  fs::copy_file("/usr/bin/env", wrapper.path("in/sub/binary"));
  const auto answer = wrapper.ask(wrapper.get(wrapper.path("in/link/binary")));
  BOOST_TEST(answer.status() == 502);  // a list of variables is no head, but it ran
  BOOST_TEST(wrapper.messages().find("cannot run") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_peer_chooses_no_variable_that_has_programs_run_its_code) {
  const auto names_seen = [](const std::vector<std::string>& passed, bool has_roots) {
    const FcgiWrapper wrapper([&](wrap::Server::Settings& server, Middleware::Settings& settings) {
      server.passed = passed;
      if (has_roots) server.roots = wrap::resolve_roots({folder_of(settings)});
    });
    wrapper.ask({});
    const auto program = wrapper.shell("p", "/usr/bin/env");
    const FcgiParameters named = {
        {"BASH_ENV", "$(id)"}, {"ENV", "/x"},           {"PERL5LIB", "/x"},
        {"PYTHONPATH", "/x"},  {"GLIBC_TUNABLES", "x"}, {"PATH", "/evil"},
        {"IFS", "x"},          {"SSL_CERT_FILE", "/x"}, {"MANHATTAN_RING", "/x"},
        {"SHOP_A", "1"},       {"SHOP_B", "1"},         {"CGIT_CONFIG", "/x"},
        {"HTTP_X", "1"},       {"HTTPS", "on"},         {"REDIRECT_STATUS", "200"},
        {"SSL_PROTOCOL", "x"}, {"REMOTE_USER", "ann"},  {"DOCUMENT_ROOT", "/x"}};
    const auto body = wrapper.ask(wrapper.get(program, named)).body();
    wrapper.ask(wrapper.get(program, named));
    std::string seen;
    for (const auto& [name, value] : named) {
      if (("\n" + body).find("\n" + name + "=" + value + "\n") != body.npos) seen += name + " ";
    }
    const auto messages = wrapper.messages();
    const auto first = messages.find("'BASH_ENV' is kept from programs");
    BOOST_TEST(first != messages.npos);
    BOOST_TEST(messages.find("'BASH_ENV'", first + 1) == messages.npos);  // said once
    BOOST_TEST(messages.find("'PATH'") == messages.npos);
    return seen;
  };
  const std::string usual = "HTTP_X HTTPS REDIRECT_STATUS SSL_PROTOCOL REMOTE_USER DOCUMENT_ROOT ";
  BOOST_TEST(names_seen({}, false) == "CGIT_CONFIG " + usual);
  BOOST_TEST(names_seen({}, true) == usual);
  BOOST_TEST(names_seen({"SHOP_*"}, true) == "SHOP_A SHOP_B " + usual);
  BOOST_TEST(names_seen({"SHOP_B", "CGIT_CONFIG"}, true) == "SHOP_B CGIT_CONFIG " + usual);
  for (const auto* bad : {"", "*", "A=B", "A B", "A*B"}) {
    BOOST_CHECK_THROW(wrap::PassedVariables({bad}, false), ConfigError);
  }
}

BOOST_AUTO_TEST_CASE(a_root_must_be_a_folder) {
  BOOST_CHECK_THROW(wrap::resolve_roots({"/no/such"}), ConfigError);
  BOOST_CHECK_THROW(wrap::resolve_roots({"/bin/sh"}), ConfigError);
  BOOST_TEST(wrap::resolve_roots({"/"}).at(0) == "/");
}

BOOST_AUTO_TEST_CASE(a_socket_has_the_mode_and_owner_asked_for) {
  const Folder folder;
  const auto me = std::to_string(::getuid()), group = std::to_string(::getgid());
  const auto listener =
      Listener::open(folder.socket(), SocketAccess::parse("0642", me + ":" + group));
  struct stat status {};
  BOOST_REQUIRE(::stat(folder.socket().c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777) == 0642U);
  BOOST_TEST(status.st_uid == ::getuid());
  BOOST_TEST(status.st_gid == ::getgid());
  if (::getuid() != 0) return;  // only root may give it away
  const Folder other;
  const auto given = Listener::open(other.socket(), SocketAccess::parse("", "nobody:www-data"));
  BOOST_REQUIRE(::stat(other.socket().c_str(), &status) == 0);
  BOOST_TEST(status.st_uid == 65534U);
  BOOST_TEST(status.st_gid == 33U);
}

BOOST_AUTO_TEST_CASE(a_mode_or_owner_that_is_none_is_refused) {
  for (const auto* mode : {"0888", "1777", "-1", "rw", " 0600"}) {
    BOOST_CHECK_THROW(SocketAccess::parse(mode, ""), ConfigError);
  }
  for (const auto* owner : {"no such user", ":no such group", "0:", "-1"}) {
    BOOST_CHECK_THROW(SocketAccess::parse("", owner), ConfigError);
  }
  BOOST_CHECK_THROW(Listener::open("127.0.0.1:0", SocketAccess::parse("0600", "")), ConfigError);
}

BOOST_AUTO_TEST_CASE(a_port_that_is_none_is_refused) {
  for (const auto* port : {"", "65536", "99999", "-1", "80x", "http", " 80"}) {
    BOOST_CHECK_THROW(Listener::open(std::string("127.0.0.1:") + port, {}), ConfigError);
  }
}

BOOST_AUTO_TEST_CASE(a_socket_that_cannot_be_given_away_leaves_nothing) {
  if (::getuid() == 0) return;  // root can
  const Folder folder;
  BOOST_CHECK_THROW(Listener::open(folder.socket(), SocketAccess::parse("", "0")), IoError);
  BOOST_TEST(!fs::exists(folder.socket()));
}

BOOST_AUTO_TEST_CASE(a_query_without_equals_is_arguments_where_asked_for) {
  using http::search_words;
  using Words = std::vector<std::string>;
  BOOST_TEST(search_words("1+ls%2b%20x") == (Words{"1", "ls+ x"}));
  BOOST_TEST(search_words("") == Words{});
  BOOST_TEST(search_words("a=b+c") == Words{});
  BOOST_TEST(search_words("a%00b+c") == Words{});
  BOOST_TEST(search_words("a%2") == Words{"a%2"});
  const auto script = "for a; do echo \"<$a>\"; done";
  const FcgiParameters query{{"QUERY_STRING", "1+ls%20-x"}};
  const FcgiWrapper off;
  BOOST_TEST(off.ask(off.get(off.shell("p", script), query)).body() == "");
  const FcgiWrapper on([](auto& settings, auto&) { settings.takes_search_words = true; });
  const auto program = on.shell("p", script);
  BOOST_TEST(on.ask(on.get(program, query)).body() == "<1>\n<ls -x>\n");
  BOOST_TEST(on.ask(on.get(program, {{"QUERY_STRING", "a=b"}})).body() == "");
  auto post = on.get(program, query);
  post[0].second = "POST";
  BOOST_TEST(on.ask(post).body() == "");
}

BOOST_AUTO_TEST_CASE(requests_beyond_the_queue_are_told_so_and_the_others_are_served) {
  const FcgiWrapper wrapper([](wrap::Server::Settings& settings, auto&) {
    settings.jobs = 1;
    settings.max_waiting = 3;
  });
  BOOST_REQUIRE(::mkfifo(wrapper.path("go").c_str(), 0600) == 0);
  const base::UniqueFd go(::open(wrapper.path("go").c_str(), O_RDWR | O_CLOEXEC));
  const auto parameters = wrapper.get(wrapper.shell("p", "echo begun; read x <go; echo done"));
  FcgiClient first(wrapper.socket());
  first.begin();
  first.parameters(parameters);
  first.body("a body");
  first.answer_until("begun");
  // One runs, three wait: of ten more, seven are turned away, whichever they are.
  std::atomic<int> turned_away = 0;
  std::vector<std::future<bool>> others;
  for (int i = 0; i < 10; ++i) {
    others.push_back(std::async(std::launch::async, [&] {
      const auto answer = wrapper.ask(parameters, "a body");
      turned_away += answer.status() == 503;
      return answer.body().ends_with("done\n");
    }));
  }
  BOOST_TEST(becomes_true([&] { return turned_away == 7; }));
  BOOST_REQUIRE(::write(go.get(), "\n\n\n\n", 4) == 4);
  BOOST_TEST(first.answer().body().empty());  // no second head
  int served = 0;
  for (auto& other : others) served += other.get();
  BOOST_TEST(served == 3);
  BOOST_TEST(turned_away == 7);
}

BOOST_AUTO_TEST_CASE(a_client_that_is_gone_before_its_refusal_harms_nobody) {
  const FcgiWrapper wrapper;
  BOOST_TEST(wrapper.ask(wrapper.get("/no/such/program")).status() == 404);
  {
    FcgiClient client(wrapper.socket());
    BOOST_REQUIRE(::kill(wrapper.pid(), SIGSTOP) == 0);
    client.begin();
    client.parameters(wrapper.get("/no/such/program"));
    client.body("");
  }
  BOOST_REQUIRE(::kill(wrapper.pid(), SIGCONT) == 0);
  BOOST_TEST(wrapper.run("echo served").body() == "served\n");
}

// ---- Upstreams

BOOST_AUTO_TEST_CASE(a_client_that_goes_while_we_wait_for_its_upstream_is_let_go) {
  std::string full;
  FcgiWrapper wrapper([&](auto& settings, auto& middleware) {
    full = middleware.path_prefix + "-upstream";
    settings.upstream = full;
  });
  full = wrapper.path("log-upstream");
  base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::copy(full.begin(), full.end(), name.sun_path);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  BOOST_REQUIRE(::bind(listener.get(), address, sizeof name) == 0);
  BOOST_REQUIRE(::listen(listener.get(), 0) == 0);
  std::vector<base::UniqueFd> waiting;  // they fill its queue
  do {
    waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  } while (::connect(waiting.back().get(), address, sizeof name) == 0);
  BOOST_REQUIRE(errno == EAGAIN);
  FcgiClient client(wrapper.socket());
  client.begin();
  client.parameters(wrapper.get("/p"));
  client.body("");
  client.end_sending();
  const auto answer = client.answer();  // not the 504 of an upstream that can't be reached
  BOOST_TEST(answer.is_closed);
  BOOST_TEST(answer.out == "");
}
