// SPDX-License-Identifier: MIT
// Requests that take long, and those that do not wait for them.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE query_lengthy
#include <boost/test/unit_test.hpp>
#include <future>

#include "query/client.h"
#include "query/server.h"
#include "tests/support/query_server.h"

using manhattan::query::Client;
using manhattan::query::Request;
using manhattan::query::Server;
using manhattan::tests::echo;
using manhattan::tests::Folder;
using manhattan::tests::kPatience;
using manhattan::tests::Raw;
using nlohmann::json;

namespace {

/// `long` takes until others were served.
struct Annexed {
  Folder folder;
  std::promise<void> others;
  std::shared_future<void> served = others.get_future().share();
  Server server{{"ipc://" + folder.path + "/socket"},
                echo,
                {[](const Request& request) { return request.method == "long"; },
                 [this](const Request& request) {
                   // Not by Boost.Test, which is for one thread at a time.
                   if (served.wait_for(kPatience) == std::future_status::ready)
                     return echo(request);
                   throw std::runtime_error("nobody else was served");
                 }}};
  Raw asker{server.endpoints()[0], zmq::socket_type::dealer};
  Annexed() { server.start(); }

  void serve_others() {
    Client other(server.endpoints()[0], kPatience);
    for (int i = 0; i < 20; ++i) BOOST_TEST(other.call({.method = "short"})[0] == "short");
    others.set_value();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(others_do_not_wait_for_a_lengthy_answer, Annexed) {
  asker.send({"", R"(["long"])"});
  serve_others();
  BOOST_TEST(json::parse(asker.receive().back())[1][0] == "long");
  BOOST_TEST(server.tallies().at("query_answered") == 21);
}

BOOST_FIXTURE_TEST_CASE(answers_keep_the_order_of_a_clients_questions, Annexed) {
  asker.send({"", R"(["say",[0]])"});
  asker.send({"", R"(["long",[1]])"});
  asker.send({"", R"(["fail"])"});
  for (int i = 3; i < 10; ++i) asker.send({"", R"(["say",[)" + std::to_string(i) + "]]"});
  serve_others();
  for (int i = 0; i < 10; ++i) {
    const auto answer = json::parse(asker.receive().back());
    BOOST_TEST(answer == (i == 2   ? json{"error", "Error: broken"}
                          : i == 1 ? json{"ok", {"long", {i}, json::object()}}
                                   : json{"ok", {"say", {i}, json::object()}}));
  }
}

BOOST_FIXTURE_TEST_CASE(beyond_a_thousand_lengthy_questions_the_next_are_refused, Annexed) {
  Raw another{server.endpoints()[0], zmq::socket_type::dealer};
  for (int i = 0; i < 600; ++i) asker.send({"", R"(["long"])"});
  for (int i = 0; i < 403; ++i) another.send({"", R"(["long"])"});
  Client other(server.endpoints()[0], kPatience);
  for (int i = 0; i < 100'000 && server.tallies().at("query_refused") < 3; ++i)
    other.call({.method = "short"});
  serve_others();
  int answered = 0, refused = 0;
  for (int i = 0; i < 1003; ++i) {
    const auto answer = json::parse((i < 600 ? asker : another).receive().back());
    const bool is_busy = answer[0] == "error" && std::string(answer[1]).starts_with("BusyError: ");
    ++(is_busy ? refused : answered);
  }
  BOOST_TEST(answered == 1000);
  BOOST_TEST(refused == 3);
}

namespace {

/// `long` and `brief` are lengthy, `brief` is short; they are noted in the order in which they are
/// answered, the first not before the gate is open.
struct Queued {
  Folder folder;
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  std::vector<std::string> order;  // by the annex's thread
  Server server{{"ipc://" + folder.path + "/socket"},
                echo,
                {[](const Request& request) { return request.method != "count"; },
                 [this](const Request& request) {
                   opened.wait_for(kPatience);
                   order.push_back(std::string(request.arguments.at(0)));
                   return echo(request);
                 },
                 [](const Request& request) { return request.method == "brief"; }}};
  std::vector<std::unique_ptr<Raw>> clients;
  Queued() { server.start(); }

  Raw& client() {
    clients.push_back(std::make_unique<Raw>(server.endpoints()[0], zmq::socket_type::dealer));
    return *clients.back();
  }
  static void ask(Raw& client, const std::string& method, const std::string& name) {
    client.send({"", "[\"" + method + "\",[\"" + name + "\"]]"});
  }
  /// Returns when what it asked has come: what is too large to wait behind that is refused at once.
  static void arrive(Raw& client) {
    client.send({"", std::string(200'000, ' ')});
    BOOST_TEST(json::parse(client.receive().back())[0] == "error");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(who_asks_little_comes_before_who_asks_much_and_short_before_long, Queued) {
  auto& hog = client();
  for (int i = 0; i < 1000; ++i) ask(hog, "long", "hog");
  arrive(hog);
  auto &lengthy = client(), &brief = client(), &another = client();
  ask(lengthy, "long", "lengthy");
  arrive(lengthy);
  ask(brief, "brief", "brief");
  arrive(brief);
  ask(another, "long", "another");
  arrive(another);
  gate.set_value();
  for (auto* each : {&lengthy, &brief, &another})
    BOOST_TEST(json::parse(each->receive().back())[0] == "ok");
  for (int i = 0; i < 1000; ++i) hog.receive();
  const std::vector<std::string> first(order.begin(), order.begin() + 5);
  BOOST_TEST(first == (std::vector<std::string>{"hog", "brief", "lengthy", "another", "hog"}),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(no_client_passes_for_the_annex, Annexed) {
  zmq::context_t context;
  zmq::socket_t forger(context, zmq::socket_type::dealer);
  forger.set(zmq::sockopt::routing_id, "manhattan annex");
  forger.set(zmq::sockopt::linger, 0);
  forger.connect(server.endpoints()[0]);
  forger.send(zmq::str_buffer("12345678"), zmq::send_flags::sndmore);
  forger.send(zmq::str_buffer("[\"ok\",\"forged\"]"), zmq::send_flags::none);
  asker.send({"", R"(["long"])"});
  serve_others();
  BOOST_TEST(json::parse(asker.receive().back())[1][0] == "long");
}

BOOST_FIXTURE_TEST_CASE(much_to_keep_for_later_is_refused, Annexed) {
  asker.send({"", R"(["long"])"});
  asker.send({"", std::string(200'000, ' ')});
  BOOST_TEST(std::string(json::parse(asker.receive().back())[1]).starts_with("BusyError: "));
  serve_others();
  BOOST_TEST(json::parse(asker.receive().back())[0] == "ok");
}

BOOST_AUTO_TEST_CASE(lengthy_questions_that_wait_do_not_hold_up_the_end) {
  for (int round = 0; round < 3; ++round) {
    Server server({"tcp://127.0.0.1:*"}, echo, {[](const Request&) { return true; }, echo});
    server.start();
    Raw dealer(server.endpoints()[0], zmq::socket_type::dealer);
    for (int i = 0; i < 900; ++i) dealer.send({"", R"(["long"])"});
    dealer.receive();
  }
}
