// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE query
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <zmq.hpp>

#include "base/unique_fd.h"
#include "query/client.h"
#include "query/message.h"
#include "query/server.h"
#include "tests/support/fcgi_wrapper.h"
#include "tests/support/query_server.h"

namespace data = boost::unit_test::data;
using manhattan::ConfigError;
using manhattan::IoError;
using manhattan::TimeoutError;
using manhattan::base::UniqueFd;
using manhattan::query::Client;
using manhattan::query::Refusal;
using manhattan::query::Request;
using manhattan::query::Server;
using manhattan::query::ServerError;
using manhattan::tests::echo;
using manhattan::tests::Folder;
using manhattan::tests::kPatience;
using manhattan::tests::Raw;
using nlohmann::json;

namespace {

struct Echo {
  Folder folder;
  Server server{{"tcp://127.0.0.1:*", "ipc://" + folder.path + "/socket"}, echo};
  Echo() { server.start(); }

  const std::string& tcp() const { return server.endpoints()[0]; }
  const std::string& ipc() const { return server.endpoints()[1]; }
  json ask(const std::string& word) const {
    return Client(tcp(), kPatience).call({.method = "say", .arguments = {word}});
  }
  /// Whatever happened before: others are served.
  void check_serves() const { BOOST_TEST(ask("still here")[1][0] == "still here"); }
};

int port_of(const std::string& endpoint) {
  return std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

UniqueFd tcp_connection(const std::string& endpoint) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_of(endpoint)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

const std::string kSample = R"(["count",["pie accomplished",["Blue","True"]],{"site_id":3}])";

struct BadCase {
  const char* says;
  std::string bytes;
};
std::ostream& operator<<(std::ostream& out, const BadCase& c) { return out << c.says; }

const BadCase kBad[] = {
    {"nothing at all", ""},
    {"no JSON", "count goal"},
    {"half a request", R"(["count",["go)"},
    {"an object", R"({"method":"count"})"},
    {"an empty list", "[]"},
    {"a method that is a number", "[1,[],{}]"},
    {"arguments that are an object", R"(["count",{},{}])"},
    {"named arguments that are a list", R"(["count",[],[]])"},
    {"four parts", R"(["count",[],{},1])"},
    {"bytes that are not UTF-8", "[\"co\xff\",[],{}]"},
    {"half a surrogate pair", R"(["\ud83c",[],{}])"},
    {"not a number", R"(["count",[NaN],{}])"},
    {"a thousand levels", R"(["count",)" + std::string(1000, '[') + std::string(1000, ']') + "]"},
    {"sixty thousand levels left open", std::string(60'000, '[')},
    {"more than 64 KiB", R"(["count",[")" + std::string(70'000, 'x') + R"("],{}])"},
    {"zero bytes", std::string(100, '\0')},
};

}  // namespace

BOOST_DATA_TEST_CASE(what_is_no_request_is_refused, data::make(kBad), c) {
  BOOST_CHECK_THROW(manhattan::query::decode_request(c.bytes), Refusal);
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_request_is_refused) {
  for (std::size_t size = 0; size < kSample.size(); ++size) {
    BOOST_CHECK_THROW(manhattan::query::decode_request(kSample.substr(0, size)), Refusal);
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_gives_a_request_or_a_refusal) {
  int refused = 0;
  for (std::size_t bit = 0; bit < kSample.size() * 8; ++bit) {
    auto bytes = kSample;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    try {
      manhattan::query::decode_request(bytes);
    } catch (const Refusal&) {
      ++refused;
    }
  }
  BOOST_TEST(refused > 0);
}

BOOST_FIXTURE_TEST_CASE(tcp_and_ipc_are_answered_alike, Echo) {
  for (const auto& endpoint : {tcp(), ipc()}) {
    Client client(endpoint, kPatience);
    BOOST_TEST(client.call({"say", {"é 🎯"}, {{"x", 1}}}) == (json{"say", {"é 🎯"}, {{"x", 1}}}));
    BOOST_TEST(client.call({.method = "again"})[0] == "again");
  }
}

BOOST_FIXTURE_TEST_CASE(errors_reach_the_client_and_end_nothing, Echo) {
  Client client(tcp(), kPatience);
  const auto says = [](const char* text) {
    return [text](const ServerError& error) { return error.what() == std::string(text); };
  };
  BOOST_CHECK_EXCEPTION(client.call({.method = "fail"}), ServerError, says("Error: broken"));
  BOOST_CHECK_EXCEPTION(client.call({.method = "refuse"}), ServerError,
                        says("ArgumentError: refuse() never works"));
  BOOST_TEST(client.call({.method = "fine"})[0] == "fine");
  BOOST_TEST(server.tallies().at("query_refused") == 2);
  BOOST_TEST(server.tallies().at("query_answered") == 1);
}

BOOST_FIXTURE_TEST_CASE(a_dealer_is_answered_with_or_without_a_delimiter, Echo) {
  Raw dealer(tcp(), zmq::socket_type::dealer);
  dealer.send({kSample});
  BOOST_TEST(dealer.receive().size() == 1);
  dealer.send({"", kSample});
  const auto answer = dealer.receive();
  BOOST_TEST(answer.size() == 2);
  BOOST_TEST(json::parse(answer.back())[0] == "ok");
  dealer.send({"request 7", "", kSample});  // as a REQ socket with ZMQ_REQ_CORRELATE does
  BOOST_TEST(dealer.receive().front() == "request 7");
}

BOOST_FIXTURE_TEST_CASE(a_dealer_may_ask_ahead, Echo) {
  Raw dealer(ipc(), zmq::socket_type::dealer);
  for (int i = 0; i < 500; ++i) dealer.send({"", R"(["say",[)" + std::to_string(i) + "]]"});
  for (int i = 0; i < 500; ++i) {
    BOOST_REQUIRE(json::parse(dealer.receive().back())[1][1][0] == i);
  }
}

BOOST_DATA_TEST_CASE(what_is_no_request_is_answered_with_an_error, data::make(kBad), c) {
  const Echo echo;
  Raw request(echo.tcp(), zmq::socket_type::req);
  const json answer = request.ask({c.bytes});
  BOOST_TEST(answer[0] == "error");
  BOOST_TEST(std::string(answer[1]).starts_with("RequestError: "));
  BOOST_TEST(request.ask({kSample})[0] == "ok");
}

BOOST_FIXTURE_TEST_CASE(a_message_of_several_parts_is_answered_with_an_error, Echo) {
  Raw request(tcp(), zmq::socket_type::req);
  BOOST_TEST(request.ask({kSample, kSample})[0] == "error");
  BOOST_TEST(request.ask(std::vector<std::string>(1000, "part"))[0] == "error");
  Raw dealer(tcp(), zmq::socket_type::dealer);
  BOOST_TEST(dealer.ask({""})[0] == "error");
  BOOST_TEST(dealer.ask({"", "", "", ""})[0] == "error");
  check_serves();
}

BOOST_FIXTURE_TEST_CASE(ten_megabytes_end_only_the_connection_they_came_on, Echo) {
  const std::string huge = R"(["say",[")" + std::string(10'000'000, 'x') + R"("]])";
  Client hasty(tcp(), std::chrono::milliseconds(300));
  BOOST_CHECK_THROW(hasty.call({.method = huge}), TimeoutError);
  check_serves();
}

BOOST_FIXTURE_TEST_CASE(bytes_that_are_no_zeromq_harm_nobody, Echo) {
  const auto http = tcp_connection(tcp());
  const std::string get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  BOOST_TEST(::send(http.get(), get.data(), get.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(get.size()));
  const auto half = tcp_connection(tcp());  // the first three bytes of a greeting, then silence
  BOOST_TEST(::send(half.get(), "\xff\0\0", 3, MSG_NOSIGNAL) == 3);
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(tcp_connection(tcp()));
  check_serves();
  silent.clear();
  check_serves();
}

BOOST_FIXTURE_TEST_CASE(clients_that_vanish_are_forgotten, Echo) {
  for (int i = 0; i < 50; ++i) {
    Raw dealer(i % 2 == 0 ? tcp() : ipc(), zmq::socket_type::dealer);
    for (int j = 0; j < 20; ++j) dealer.send({"", kSample});
    if (i % 3 == 0) dealer.receive();
  }
  check_serves();
}

BOOST_FIXTURE_TEST_CASE(a_client_that_takes_nothing_in_holds_up_nobody, Echo) {
  Raw greedy(tcp(), zmq::socket_type::dealer);
  greedy.socket.set(zmq::sockopt::sndtimeo, 100);
  const auto request = R"(["say",[")" + std::string(50'000, 'x') + R"("]])";
  for (int i = 0; i < 2000; ++i) {
    if (!greedy.socket.send(zmq::buffer(request), zmq::send_flags::none)) break;
  }
  check_serves();
}

BOOST_FIXTURE_TEST_CASE(answers_that_nobody_takes_in_are_dropped_and_counted, Echo) {
  zmq::context_t context;
  zmq::socket_t greedy(context, zmq::socket_type::dealer);
  greedy.set(zmq::sockopt::linger, 0);
  greedy.set(zmq::sockopt::rcvhwm, 1);
  greedy.connect(ipc());
  const auto request = R"(["say",[")" + std::string(10'000, 'x') + R"("]])";
  BOOST_TEST(manhattan::test::becomes_true([&] {
    greedy.send(zmq::buffer(request), zmq::send_flags::dontwait);
    return server.tallies()["query_dropped"] > 0;
  }));
  check_serves();
}

BOOST_AUTO_TEST_CASE(a_client_asks_again_after_a_time_out) {
  Server server({"tcp://127.0.0.1:*"}, echo);
  Client client(server.endpoints()[0], std::chrono::milliseconds(50));
  BOOST_CHECK_EXCEPTION(client.call({.method = "late"}), TimeoutError, [&](const auto& error) {
    return std::string(error.what()).find(server.endpoints()[0]) != std::string::npos;
  });
  BOOST_CHECK_THROW(client.call({.method = "later"}), TimeoutError);
  server.start();
  // Slow machines need more than the 50 ms; never may an old answer come.
  for (int attempt = 0;; ++attempt) {
    BOOST_REQUIRE(attempt < 400);
    try {
      BOOST_TEST(client.call({.method = "now"})[0] == "now");
      break;
    } catch (const TimeoutError&) {
    }
  }
}

BOOST_AUTO_TEST_CASE(a_signal_does_not_end_the_wait_for_an_answer) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART: it interrupts
  BOOST_REQUIRE(::sigaction(SIGUSR1, &action, nullptr) == 0);
  const auto asking = ::pthread_self();
  Server server({"tcp://127.0.0.1:*"}, [&](const Request& request) {
    for (int i = 0; i < 1000; ++i) {
      ::pthread_kill(asking, SIGUSR1);
      std::this_thread::yield();
    }
    return echo(request);
  });
  server.start();
  Client client(server.endpoints()[0], kPatience);
  BOOST_TEST(client.call({.method = "asked"})[0] == "asked");
}

BOOST_FIXTURE_TEST_CASE(a_hundred_clients_each_get_their_own_answers, Echo) {
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int id = 0; id < 100; ++id) {
    threads.emplace_back([&, id] {
      Client client(id % 2 == 0 ? tcp() : ipc(), kPatience);
      for (int i = 0; i < 20; ++i) {
        right += client.call({"say", {id, i}, {}})[1] == json{id, i} ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(right == 2000);
}

BOOST_AUTO_TEST_CASE(stopping_frees_the_endpoints_even_under_load) {
  Folder folder;
  const auto ipc = "ipc://" + folder.path + "/socket";
  std::string tcp = "tcp://127.0.0.1:*";
  for (int round = 0; round < 3; ++round) {
    Server server({tcp, ipc}, echo);
    server.start();
    tcp = server.endpoints()[0];
    Raw dealer(ipc, zmq::socket_type::dealer);
    for (int i = 0; i < 300; ++i) dealer.send({"", kSample});
    dealer.receive();
    server.stop();
    server.stop();
  }
  BOOST_TEST(!std::filesystem::exists(folder.path + "/socket"));
}

BOOST_FIXTURE_TEST_CASE(a_busy_endpoint_is_refused_by_name, Echo) {
  for (const auto& endpoint : {tcp(), ipc()}) {
    BOOST_CHECK_EXCEPTION(Server({endpoint}, echo), IoError, [&](const IoError& error) {
      return error.what() == "cannot listen on '" + endpoint + "': Address already in use";
    });
  }
  check_serves();
  BOOST_TEST(Client(ipc(), kPatience).call({.method = "ipc"})[0] == "ipc");
}

BOOST_AUTO_TEST_CASE(a_socket_left_by_a_crash_is_taken_over) {
  Folder folder;
  const auto path = folder.path + "/socket";
  {
    const UniqueFd left(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    BOOST_REQUIRE(::bind(left.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  Server server({"ipc://" + path}, echo);
  server.start();
  BOOST_TEST(Client("ipc://" + path, kPatience).call({.method = "x"})[0] == "x");
}

BOOST_AUTO_TEST_CASE(a_file_at_an_endpoint_is_left_alone) {
  Folder folder;
  const auto path = folder.path + "/precious";
  std::ofstream(path) << "data";
  BOOST_CHECK_THROW(Server({"ipc://" + path}, echo), ConfigError);
  BOOST_TEST(std::filesystem::file_size(path) == 4);
}

BOOST_AUTO_TEST_CASE(endpoints_that_are_none_are_refused_by_name) {
  for (const std::string endpoint :
       {"", "tcp", "tcp://", "tcp://127.0.0.1", "ipc://", "http://127.0.0.1:80", "inproc://x",
        "tcp://127.0.0.1:99999", "tcp://no.such.host.invalid:5555"}) {
    const auto is_named = [&](const ConfigError& error) {
      return std::string(error.what()).find("'" + endpoint + "'") != std::string::npos;
    };
    BOOST_TEST_CONTEXT(endpoint) {
      BOOST_CHECK_EXCEPTION(Server({endpoint}, echo), ConfigError, is_named);
    }
  }
  BOOST_CHECK_THROW(Client("http://127.0.0.1:80"), ConfigError);
  BOOST_CHECK_THROW(Client("tcp://127.0.0.1:port"), ConfigError);
}
