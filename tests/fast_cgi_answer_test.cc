// SPDX-License-Identifier: MIT
// A program that serves FastCGI by libfcgi, and instruments itself.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE fast_cgi_answer
#include <fcgiapp.h>
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <future>
#include <set>

#include "base/text.h"
#include "log/memory_log.h"
#include "tests/support/fcgi_client.h"
#include "wrap/fast_cgi_answer.h"

using namespace manhattan;
using namespace manhattan::test;

namespace {

using Program = std::function<void(FastCgiAnswer&)>;

/// A folder with the socket of a program that serves one request.
struct Listening {
  Listening() {
    BOOST_REQUIRE(::mkdtemp(folder) != nullptr);
    FCGX_Init();
    listener = base::UniqueFd(FCGX_OpenSocket(socket().c_str(), 1));
    BOOST_REQUIRE(listener.get() >= 0);
  }
  ~Listening() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::string socket() const { return std::string(folder) + "/socket"; }

  char folder[32] = "/tmp/manhattan-answer-XXXXXX";
  base::UniqueFd listener;
};

/// What came of a request for a page.
struct Served {
  FcgiAnswer answer;
  std::vector<std::string> records;  ///< kind, and name where it has one
};

std::string told(const std::string& line) {
  const auto fields = base::split(line, '\t');
  return std::string(fields.at(1)) +
         (fields.at(1) == "goal" ? ' ' + std::string(fields.at(5)) : "");
}

void serve_one(const Listening& listening, Log& log, const Middleware::Settings& settings,
               const Program& program) {
  base::MessageLog messages("test", base::MessageLog::Level::warning);
  const Middleware middleware(visitor::Signer({"secret"}), settings, messages);
  FCGX_Request request;
  FCGX_InitRequest(&request, listening.listener.get(), 0);
  if (FCGX_Accept_r(&request) < 0) return;
  {
    FastCgiAnswer answer(middleware, log, request);
    program(answer);
  }
  FCGX_Finish_r(&request);
}

Served serve(const Program& program, const Middleware::Settings& settings = {},
             const FcgiParameters& more = {}) {
  const Listening listening;
  MemoryLog log;
  FcgiClient client(listening.socket());
  client.begin();
  FcgiParameters parameters{{"REQUEST_METHOD", "GET"},
                            {"REQUEST_URI", "/page"},
                            {"HTTP_HOST", "example.com"},
                            {"REMOTE_ADDR", "192.0.2.1"}};
  parameters.insert(parameters.end(), more.begin(), more.end());
  client.parameters(parameters);
  client.body("");
  auto serving =
      std::async(std::launch::async, [&] { serve_one(listening, log, settings, program); });
  Served served{client.answer(), {}};
  serving.get();
  for (const auto& line : log.lines()) served.records.push_back(told(line));
  return served;
}

/// Every byte there is, for longer than libfcgi's buffer and a FastCGI record.
std::string long_body() {
  std::string bytes;
  for (std::size_t i = 0; i < 200'000; ++i) bytes += static_cast<char>(i * 31 + i / 251);
  return bytes;
}

const std::vector<std::string> kPageThenGoals{"page", "goal Begun", "goal Midway", "goal Done"};

}  // namespace

BOOST_AUTO_TEST_CASE(goals_between_writes_come_after_the_page_and_leave_the_body_as_it_is) {
  const auto body = long_body();
  const auto served = serve([&](FastCgiAnswer& answer) {
    answer.visitor().goal("Begun");
    BOOST_TEST(answer.write("Content-Type: application/octet-stream\r\n\r\n" + body.substr(0, 10)));
    answer.visitor().goal("Midway");
    BOOST_TEST(answer.write(body.substr(10, 150'000)));
    answer.visitor().goal("Done");
    BOOST_TEST(answer.write(body.substr(150'010)));
    BOOST_TEST(answer.finish());
  });
  BOOST_TEST(served.records == kPageThenGoals, boost::test_tools::per_element());
  BOOST_TEST(served.answer.is_ended);
  BOOST_TEST((served.answer.body() == body));
  BOOST_TEST(served.answer.header("Set-Cookie").starts_with("manhattan="));
}

BOOST_AUTO_TEST_CASE(goals_within_a_page_leave_all_of_it_but_the_pixel) {
  const std::string before = "<html><body>" + std::string(70'000, 'x'), after = "</body></html>\n";
  const auto served = serve([&](FastCgiAnswer& answer) {
    BOOST_TEST(answer.write("Content-Type: text/html\r\n"));
    answer.visitor().goal("Begun");  // within the head, even
    BOOST_TEST(answer.write("\r\n" + before + after.substr(0, 3)));
    answer.visitor().goal("Midway");  // within the tag that the pixel goes before
    BOOST_TEST(answer.write(after.substr(3)));
    answer.visitor().goal("Done");
    BOOST_TEST(answer.finish());
  });
  BOOST_TEST(served.records == kPageThenGoals, boost::test_tools::per_element());
  const auto body = served.answer.body();
  BOOST_REQUIRE(body.size() > before.size() + after.size());
  const auto pixel = body.substr(before.size(), body.size() - before.size() - after.size());
  BOOST_TEST((body == before + pixel + after));
  BOOST_TEST(pixel.starts_with("<img src=\"/vpixel.gif\""), pixel);
}

BOOST_AUTO_TEST_CASE(an_answer_without_a_head_is_500_and_its_goals_stand) {
  const auto served = serve([&](FastCgiAnswer& answer) {
    answer.visitor().goal("Begun");
    BOOST_TEST(answer.write("Content-Type: text/html\r\n"));
    answer.visitor().goal("Midway");
    BOOST_TEST(!answer.finish());
  });
  BOOST_TEST(served.answer.status() == 500);
  BOOST_TEST(served.records.size() == 3U);
}

namespace {

/// Answers with an empty page.
void answer_plainly(FastCgiAnswer& answer) {
  BOOST_TEST(answer.write("Content-Type: text/plain\r\n\r\n"));
  BOOST_TEST(answer.finish());
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_program_that_asks_is_told_about_its_visitor) {
  Middleware::Settings settings;
  settings.sites = {{"example.com", 7}};
  settings.ring = "/run/ring";
  serve(
      [](FastCgiAnswer& answer) {
        for (int i = 0; i < 2; ++i) {
          const auto& environment = answer.environment();
          BOOST_TEST(environment.get("REQUEST_URI") == "/page");
          BOOST_TEST(environment.get("HTTP_X") == "a, b");
          BOOST_TEST(environment.get("MANHATTAN_VISITOR") == answer.visitor().id());
          BOOST_TEST(environment.get("MANHATTAN_SITE") == "7");
          BOOST_TEST(environment.get("MANHATTAN_RING") == "/run/ring");
        }
        answer_plainly(answer);
      },
      settings, {{"HTTP_X", "a"}, {"HTTP_X", "b"}});
}

BOOST_AUTO_TEST_CASE(a_visitor_is_known_by_a_second_cookie_header) {
  const auto cookie = "manhattan=" + visitor::Signer({"secret"}).sign("somebody");
  serve(
      [](FastCgiAnswer& answer) {
        BOOST_TEST(answer.visitor().id() == "somebody");
        answer_plainly(answer);
      },
      {}, {{"HTTP_COOKIE", "a=b"}, {"HTTP_COOKIE", cookie}});
}

BOOST_AUTO_TEST_CASE(rules_and_refusals_see_every_header) {
  Middleware::Settings settings;
  settings.goals = {wrap::GoalRule::parse("Ours; header.X-Shop=pies")};
  const auto plain = serve(answer_plainly, settings, {{"HTTP_X_SHOP", "pies"}});
  BOOST_TEST(plain.records == std::vector<std::string>({"page", "goal Ours"}),
             boost::test_tools::per_element());
  settings.splits = {wrap::SplitRule::parse("Button; header.X-Shop=pies; population=blue=1")};
  const auto shop = serve(
      [](FastCgiAnswer& answer) {
        BOOST_TEST(answer.environment().get("MANHATTAN_SPLIT_BUTTON") == "blue");
        answer_plainly(answer);
      },
      settings, {{"HTTP_X_SHOP", "pies"}});
  BOOST_TEST(shop.records == std::vector<std::string>({"page", "split", "goal Ours"}),
             boost::test_tools::per_element());
  settings.refusals = {"HTTP_DNT"};
  BOOST_TEST(serve(answer_plainly, settings, {{"HTTP_DNT", "1"}}).records.empty());
  BOOST_TEST(serve(answer_plainly, settings, {{"HTTP_DNT", "0"}}).records.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_the_program_split_stays_with_its_visitor) {
  const auto caching = [](bool splits) {
    return serve(
               [&](FastCgiAnswer& answer) {
                 if (splits) answer.visitor().split("Blue Button");
                 BOOST_TEST(
                     answer.write("Content-Type: text/css\r\nCache-Control: public\r\n\r\na"));
                 BOOST_TEST(answer.finish());
               },
               {}, {{"REQUEST_METHOD", "HEAD"}})  // that no cookie makes it private
        .answer.header("Cache-Control");
  };
  BOOST_TEST(caching(true) == "private");
  BOOST_TEST(caching(false) == "public");
}

BOOST_AUTO_TEST_CASE(what_is_fetched_ahead_waits_for_its_pixel) {
  const auto served = serve(
      [&](FastCgiAnswer& answer) {
        answer.visitor().goal("Begun");
        BOOST_TEST(answer.write("Content-Type: text/html\r\n\r\n<html><body>a</body></html>"));
        answer.visitor().goal("Late");  // no room for it any more
        BOOST_TEST((answer.visitor().flush() == Append::written));
        BOOST_TEST(answer.finish());
      },
      {}, {{"HTTP_SEC_PURPOSE", "prefetch"}});
  BOOST_TEST(served.records.empty());
  BOOST_TEST(served.answer.header("Set-Cookie").starts_with("manhattan="));
  BOOST_TEST(served.answer.body().find("<img src=\"/vpixel.gif?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_robot_without_a_cookie_is_shown_one_population) {
  std::set<std::string> shown;
  for (int i = 0; i < 8; ++i) {
    const auto served = serve(
        [&](FastCgiAnswer& answer) {
          shown.insert(answer.visitor().split("Colour", std::vector<std::string>{"a", "b", "c"}));
          BOOST_TEST(answer.write("Content-Type: text/plain\r\n\r\na"));
          BOOST_TEST(answer.finish());
        },
        {}, {{"HTTP_USER_AGENT", "Googlebot/2.1"}});
    BOOST_TEST(served.records == (std::vector<std::string>{"page"}),
               boost::test_tools::per_element());
  }
  BOOST_TEST(shown.size() == 1U);
}
