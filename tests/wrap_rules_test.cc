// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE wrap_rules
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "tests/support/fcgi_wrapper.h"
#include "wrap/rules.h"

using namespace manhattan;
using namespace manhattan::test;
using wrap::GoalRule;
using wrap::SplitRule;
namespace data = boost::unit_test::data;

namespace {

struct MatchCase {
  const char* pattern;
  const char* text;
  const char* captured;  // null: no match
};
std::ostream& operator<<(std::ostream& out, const MatchCase& c) {
  return out << "'" << c.pattern << "' on '" << c.text << "'";
}

const MatchCase kMatches[] = {
    {"/a", "/a", "/a"},
    {"/a", "/ab", nullptr},
    {"*", "", ""},
    {"*", "any", "any"},
    {"/a*", "/a", ""},
    {"/a*", "/abc", "bc"},
    {"*.gz", "a.gz", "a"},
    {"*.gz", "a.gz.", nullptr},
    {"a*a", "a", nullptr},
    {"/*/x/*", "/r/x", {}},
    {"/*/x/*", "/r/x/y", "y"},
    {"/*/x/*", "/x/x/x/y", "x/y"},
    {"a*b*c", "aXbYc", "Y"},
    {"a*b*c", "abc", ""},
    {"a*b*c", "acb", nullptr},
    {"", "", ""},
    {"", "a", nullptr},
    {"2*", "200", "00"},
};

struct RefusedCase {
  const char* rule;
  const char* told;
};
std::ostream& operator<<(std::ostream& out, const RefusedCase& c) { return out << c.rule; }

const RefusedCase kRefusedGoals[] = {
    {"", "not NAME; KEY=VALUE"},
    {"; path=/a", "not NAME; KEY=VALUE"},
    {"G; path", "not NAME; KEY=VALUE"},
    {"G; \"path=/a", "not NAME; KEY=VALUE"},
    {"G; paths=/a", "'paths' is none of"},
    {"G; query.=x", "'query.' is none of"},
    {"G; value=12,50", "value '12,50'"},
    {"G; value=answer", "value 'answer'"},
    {"G; type=X", "type 'X' is none of RASI"},
    {"G; format=NN", "format 'NN' is none of NCP"},
};

const RefusedCase kRefusedSplits[] = {
    {"S; population==1", "has no name"},
    {"S; population=a=x", "weight of population 'a=x'"},
    {"S; population=a=0", "no population of any weight"},
    {"S; population=a=-1", "weight of population 'a=-1'"},
    {"S; status=200", "before there is an answer"},
    {"S; answer.Location=*", "before there is an answer"},
    {"S; program.blue=/bin/true", "no population 'blue'"},
    {"S; population=blue; program.blue=true", "no absolute path"},
    {"S; value=1", "'value' is none of"},
};

/// The kind and what is told of it, of each record, without timestamp, visitor and site.
std::vector<std::string> told(const FcgiWrapper& wrapper) {
  std::vector<std::string> lines;
  for (const auto& record : wrapper.records()) {
    const auto fields = base::split(record, '\t');
    std::string text(fields.at(1));
    for (std::size_t i = 5; i < fields.size(); ++i) text.append("|").append(fields[i]);
    if (!text.starts_with("page")) lines.push_back(text);
  }
  return lines;
}

FcgiWrapper with_goals(std::vector<std::string> rules) {
  return FcgiWrapper([rules](auto&, Middleware::Settings& settings) {
    for (const auto& rule : rules) settings.goals.push_back(GoalRule::parse(rule));
  });
}

FcgiWrapper with_split(const std::string& rule) {
  return FcgiWrapper([rule](auto&, Middleware::Settings& settings) {
    settings.splits.push_back(SplitRule::parse(rule));
  });
}

std::string cookie_of(const FcgiAnswer& answer) {
  const auto cookie = answer.header("Set-Cookie");
  return cookie.substr(0, cookie.find(';'));
}

using Lines = std::vector<std::string>;

}  // namespace

BOOST_DATA_TEST_CASE(a_star_stands_for_any_run, data::make(kMatches), c) {
  const auto captured = wrap::match(c.pattern, c.text);
  BOOST_TEST(captured.has_value() == (c.captured != nullptr));
  if (captured && c.captured) BOOST_TEST(*captured == c.captured);
}

BOOST_DATA_TEST_CASE(a_goal_rule_that_is_none_is_refused, data::make(kRefusedGoals), c) {
  BOOST_CHECK_EXCEPTION(GoalRule::parse(c.rule), ConfigError, [&](const ConfigError& error) {
    const std::string text = error.what();
    return text.starts_with("--goal '") && text.find(c.told) != text.npos;
  });
}

BOOST_DATA_TEST_CASE(a_split_rule_that_is_none_is_refused, data::make(kRefusedSplits), c) {
  BOOST_CHECK_EXCEPTION(SplitRule::parse(c.rule), ConfigError, [&](const ConfigError& error) {
    const std::string text = error.what();
    return text.starts_with("--split '") && text.find(c.told) != text.npos;
  });
}

BOOST_AUTO_TEST_CASE(a_goal_takes_its_value_from_wherever_it_stands) {
  const auto wrapper = with_goals({
      "fixed; value=2.5; type=S; format=C",
      "query; value=query.sum",
      "header; value=header.X-Sum",
      "cookie; value=cookie.sum",
      "answer; value=answer.X-Sum",
      "part; answer.Location=/thanks?sum=*; value=answer.Location",
      "path; path=/pay/*/now; value=path",
      "none; value=query.absent",
      "words; value=header.User-Agent",
  });
  const auto program = wrapper.program(
      "p", "#!/bin/sh\nprintf 'Status: 303\\nLocation: /thanks?sum=7\\nX-Sum: 6\\n\\n'\n");
  wrapper.ask(wrapper.get(program, {{"REQUEST_URI", "/pay/8/now?sum=4%2e5"},
                                    {"QUERY_STRING", "a=1&sum=4%2e5&sum=9"},
                                    {"HTTP_X_SUM", "-1"},
                                    {"HTTP_COOKIE", "sum=12"}}));
  const Lines due{"goal|fixed|2.5|S|C", "goal|query|4.5||", "goal|header|-1||",
                  "goal|cookie|12||",   "goal|answer|6||",  "goal|part|7||",
                  "goal|path|8||",      "goal|none|||",     "goal|words|||"};
  BOOST_TEST(told(wrapper) == due, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_goal_is_recorded_where_all_its_conditions_hold) {
  const auto wrapper = with_goals({
      "all; method=GET; host=EXAMPLE.com; path=/program; status=200; query.a=b; header.Accept=*x*",
      "one of; method=PUT; method=GET; path=/other; path=/prog*",
      "\"a;b\"; answer.X-Kind=odd",
      "other method; method=POST",
      "other host; host=example.org",
      "other query; query.a=c",
      "no query; query.b=*",
      "no header; header.X-Sum=*",
      "other status; status=404",
      "no answer header; answer.X-Sum=*",
  });
  const auto program =
      wrapper.program("p", "#!/bin/sh\nprintf 'Content-Type: text/plain\\nX-Kind: odd\\n\\n'\n");
  wrapper.ask(wrapper.get(
      program,
      {{"QUERY_STRING", "a=b"}, {"HTTP_ACCEPT", "text/x-y"}, {"HTTP_HOST", "example.com:8"}}));
  BOOST_TEST(told(wrapper) == (Lines{"goal|all|||", "goal|one of|||", "goal|a;b|||"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_goal_of_faults_other_methods_or_prefetches_must_ask_for_them) {
  const auto wrapper = with_goals({"plain", "missing; status=4*", "put; method=PUT"});
  const auto fails = wrapper.program("p", "#!/bin/sh\nprintf 'Status: 404\\n\\n'\n");
  const auto works = wrapper.shell("q", "echo hello");
  const auto cookie = cookie_of(wrapper.ask(wrapper.get(fails)));
  BOOST_TEST(told(wrapper) == (Lines{"goal|missing|||"}), boost::test_tools::per_element());
  wrapper.ask(wrapper.get(works, {{"HTTP_PURPOSE", "prefetch"}, {"HTTP_COOKIE", cookie}}));
  wrapper.ask(wrapper.get(works, {{"REQUEST_METHOD", "PUT"}}));  // nobody's: no cookie came or goes
  wrapper.ask(wrapper.get(works, {{"REQUEST_METHOD", "HEAD"}, {"HTTP_COOKIE", cookie}}));
  BOOST_TEST(told(wrapper).size() == 1U);
  wrapper.ask(wrapper.get(works, {{"REQUEST_METHOD", "PUT"}, {"HTTP_COOKIE", cookie}}));
  BOOST_TEST(told(wrapper).back() == "goal|put|||");
}

BOOST_AUTO_TEST_CASE(a_split_is_told_recorded_and_the_same_every_time) {
  const auto wrapper = with_split("Blue Button!; path=/program; population=a; population=b");
  const auto program =
      wrapper.program("p",
                      "#!/bin/sh\nprintf 'Cache-Control: public\\n\\n'\n"
                      "printf \"$MANHATTAN_VISITOR $MANHATTAN_SPLIT_BLUE_BUTTON_\"\n");
  const auto first = wrapper.ask(wrapper.get(program));
  const auto body = first.body();
  const auto visitor = body.substr(0, 40), population = body.substr(41);
  BOOST_TEST(population == visitor::choose_population(visitor, "Blue Button!",
                                                      std::vector<std::string>{"a", "b"}));
  const auto again = wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", cookie_of(first)}}));
  BOOST_TEST(again.body() == body);
  BOOST_TEST(again.header("Vary") == "Cookie");
  BOOST_TEST(again.header("Cache-Control") == "private");
  const auto elsewhere = wrapper.ask(wrapper.get(program, {{"REQUEST_URI", "/other"}}));
  BOOST_TEST(elsewhere.body().substr(40) == " ");
  const auto line = "split|Blue Button!|" + population;
  BOOST_TEST(told(wrapper) == (Lines{line, line}), boost::test_tools::per_element());
}

namespace {

struct SplitsCase {
  const char* says;
  std::vector<std::string> rules;
  std::string why;  ///< part of the error; empty: they stand together
};
std::ostream& operator<<(std::ostream& out, const SplitsCase& c) { return out << c.says; }

const SplitsCase kSplits[] = {
    {"twice the same", {"A; path=/a", "A; path=/a"}, "'A': an earlier rule of that name fits all"},
    {"twice without a condition", {"A; program.True=/x", "B", "A"}, "fits all its requests"},
    {"the second can't be reached", {"A", "A; path=/a"}, "fits all its requests"},
    {"nor with less patterns", {"A; path=/a; path=/b", "A; host=x; path=/b"}, "fits all"},
    {"the second is wider", {"A; path=/a", "A"}, ""},
    {"other conditions", {"A; path=/a", "A; host=x"}, ""},
    {"other patterns", {"A; path=/a", "A; path=/b"}, ""},
    {"other populations", {"A; path=/a; population=x", "A; path=/b; population=y"}, "other pop"},
    {"other weights",
     {"A; path=/a; population=x=1; population=y=1", "A; path=/b; population=x=1; population=y=2"},
     "other populations"},
    {"another order of those without weights",
     {"A; path=/a; population=x; population=y", "A; path=/b; population=y; population=x"},
     "in the same order"},
    {"names of one variable",
     {"Blue Button", "blue-button; path=/a"},
     "MANHATTAN_SPLIT_BLUE_BUTTON is that of split 'Blue Button'"},
    {"names beyond ASCII of one variable", {"caf\xc3\xa9", "caf\xc3\xa8"}, "MANHATTAN_SPLIT_CAF__"},
    {"names that differ", {"A", "B", "A1", "A2"}, ""},
};

}  // namespace

BOOST_DATA_TEST_CASE(splits_that_cant_stand_together_are_refused, data::make(kSplits), c) {
  Middleware::Settings settings;
  for (const auto& rule : c.rules) settings.splits.push_back(SplitRule::parse(rule));
  base::MessageLog messages("test", base::MessageLog::Level::warning);
  std::string why;
  try {
    const Middleware middleware(visitor::Signer({"secret"}), settings, messages);
  } catch (const ConfigError& error) {
    why = error.what();
  }
  BOOST_TEST(why.empty() == c.why.empty(), why);
  BOOST_TEST(why.find(c.why) != why.npos, why);
}

BOOST_AUTO_TEST_CASE(of_rules_of_one_split_or_goal_the_first_that_fits_is_taken_alone) {
  const FcgiWrapper wrapper([](auto&, Middleware::Settings& settings) {
    for (const char* rule : {"S; query.a=*", "S; path=/program", "S"})
      settings.splits.push_back(SplitRule::parse(rule));
    for (const char* rule : {"G; query.a=*; value=1", "G; value=2", "H"})
      settings.goals.push_back(GoalRule::parse(rule));
  });
  const auto program = wrapper.shell("p", "echo $MANHATTAN_VISITOR $MANHATTAN_SPLIT_S");
  const auto body = wrapper.ask(wrapper.get(program, {{"REQUEST_URI", "/program"}})).body();
  const auto population = visitor::choose_population(body.substr(0, 40), "S");
  BOOST_TEST(body.substr(41) == population + "\n");
  BOOST_TEST(told(wrapper) == (Lines{"split|S|" + population, "goal|G|2||", "goal|H|||"}),
             boost::test_tools::per_element());
  wrapper.ask(wrapper.get(wrapper.shell("q", ""), {{"QUERY_STRING", "a=b"}}));
  const auto all = told(wrapper);
  BOOST_TEST(all.size() == 6U);
  BOOST_TEST(std::count(all.begin(), all.end(), "goal|G|1||") == 1);
}

BOOST_AUTO_TEST_CASE(a_robot_without_a_cookie_is_shown_one_population_and_not_recorded_with_it) {
  const auto wrapper = with_split("Colour; population=red; population=blue; population=green");
  const auto program = wrapper.shell("p", "echo $MANHATTAN_SPLIT_COLOUR $MANHATTAN_ROBOT");
  const auto shown = [&](const char* agent, const std::string& address, const FcgiAnswer* before) {
    return wrapper.ask(wrapper.get(program, {{"HTTP_USER_AGENT", agent},
                                             {"REMOTE_ADDR", address},
                                             {"HTTP_COOKIE", before ? cookie_of(*before) : ""}}));
  };
  const char* robots[] = {
      "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "GPTBot/1.2",
      "Mozilla/5.0 (X11) HeadlessChrome/120.0.0.0"};
  for (const char* robot : robots) {
    std::set<std::string> seen;
    for (int i = 0; i < 8; ++i) seen.insert(shown(robot, "192.0.2.1", nullptr).body());
    BOOST_TEST(seen.size() == 1U, robot);
  }
  std::set<std::string> seen;
  for (int i = 0; i < 24; ++i)
    seen.insert(shown(robots[0], "192.0.2." + std::to_string(i), nullptr).body());
  BOOST_TEST(seen.size() > 1U);  // other addresses are other robots
  BOOST_TEST(told(wrapper).empty());
  // Who keeps its cookie is chosen for, and recorded, as everybody is.
  const auto first = shown("Firefox", "192.0.2.1", nullptr);
  const auto again = shown("Firefox", "198.51.100.7", &first);
  BOOST_TEST(again.body() == first.body());
  BOOST_TEST(told(wrapper).size() == 2U);
  const auto robot = shown(robots[0], "192.0.2.1", nullptr);
  BOOST_TEST(robot.header("Cache-Control") == "private");
  shown(robots[0], "192.0.2.1", &robot);
  BOOST_TEST(told(wrapper).size() == 3U);
  // People without a cookie are new ones each time.
  seen.clear();
  for (int i = 0; i < 24; ++i) seen.insert(shown("Firefox", "192.0.2.1", nullptr).body());
  BOOST_TEST(seen.size() > 1U);
}

BOOST_AUTO_TEST_CASE(weights_of_zero_choose_nobody) {
  const auto wrapper = with_split("S; population=on=0; population=off=1");
  const auto program = wrapper.shell("p", "echo $MANHATTAN_SPLIT_S");
  for (int i = 0; i < 8; ++i) BOOST_TEST(wrapper.ask(wrapper.get(program)).body() == "off\n");
}

BOOST_AUTO_TEST_CASE(a_population_may_run_a_program_of_its_own) {
  const FcgiWrapper wrapper([](auto&, Middleware::Settings& settings) {
    const auto folder = base::folder_of(settings.path_prefix);
    settings.splits.push_back(SplitRule::parse(
        "S; path=/program*; population=old=0; population=new=1; program.new=" + folder +
        "/new/program"));
  });
  std::filesystem::create_directory(wrapper.path("new"));
  const auto old_one = wrapper.shell("program", "echo old");
  const auto request = wrapper.get(old_one + "/more", {{"SCRIPT_NAME", "/program/more"}});
  BOOST_TEST(wrapper.ask(request).status() == 404);  // named, and not there
  wrapper.shell("new/program", "echo new $PATH_INFO $(pwd) $SCRIPT_FILENAME");
  const auto folder = wrapper.path("new");
  BOOST_TEST(wrapper.ask(request).body() == "new /more " + folder + " " + folder + "/program\n");
  BOOST_TEST(wrapper.ask(wrapper.get(old_one, {{"REQUEST_URI", "/other"}})).body() == "old\n");
}

BOOST_AUTO_TEST_CASE(a_population_may_replace_the_program_of_the_command_line) {
  const FcgiWrapper wrapper([](wrap::Server::Settings& server, Middleware::Settings& settings) {
    server.fixed = wrap::fixed_target({"/bin/false", "Content-Type: text/plain\n\nhello"});
    settings.splits.push_back(
        SplitRule::parse("S; program.True=/bin/echo; program.False=/bin/echo"));
  });
  BOOST_TEST(wrapper.ask(wrapper.get("")).body() == "hello\n");
}
