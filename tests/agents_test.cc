// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE agents
#include <yaml-cpp/yaml.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>

#include "base/error.h"
#include "base/files.h"
#include "count/agents.h"
#include "count/robots.h"
#include "count/rollup.h"
#include "record/robot_names.h"

using namespace manhattan;
using namespace manhattan::count;
namespace data = boost::unit_test::data;

namespace {

const std::string kUapCore = "/usr/share/uap-core/";  // Debian's package of that name

Agents& agents() {
  static Agents all(base::read_file(kUapCore + "regexes.yaml"));
  return all;
}

constexpr const char* kIe11 =
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko";
constexpr const char* kEdge =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91";
constexpr const char* kOpera =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36 OPR/106.0.0.0";

}  // namespace

struct AgentCase {
  const char* user_agent;
  const char* browser;
  const char* browser_version;
  const char* os;
};
std::ostream& operator<<(std::ostream& out, const AgentCase& c) { return out << c.user_agent; }

const AgentCase kAgents[] = {
    {kIe11, "IE", "IE 11", "Windows"},
    {kEdge, "Edge", "Edge 120", "Windows"},
    {kOpera, "Opera", "Opera 106", "Windows"},
    {"", "Other", "Other", "Other"},
    {"\xc3\xa9\xff nonsense", "Other", "Other", "Other"},
};

BOOST_DATA_TEST_CASE(browsers_are_told_apart, data::make(kAgents), c) {
  const auto& agent = agents().of(c.user_agent);
  BOOST_TEST(agent.browser == c.browser);
  BOOST_TEST(agent.browser_version == c.browser_version);
  BOOST_TEST(agent.os == c.os);
  const auto by_version = count::parse_rollup("browser_version", "UTC");
  BOOST_TEST(count::bucket_of(by_version, Page{}, &agent) == c.browser_version);
}

BOOST_AUTO_TEST_CASE(the_cases_of_uap_core_hold) {
  const struct {
    const char* file;
    const char* family;
    std::string Agent::*field;
  } kFiles[] = {{"tests/test_ua.yaml", "family", &Agent::browser},
                {"tests/test_os.yaml", "family", &Agent::os},
                {"tests/test_device.yaml", "family", &Agent::device}};
  for (const auto& file : kFiles) {
    for (const auto& c : YAML::LoadFile(kUapCore + file.file)["test_cases"]) {
      const auto user_agent = c["user_agent_string"].as<std::string>();
      const auto& told = agents().of(user_agent).*file.field;
      BOOST_TEST(told == c[file.family].as<std::string>(), user_agent);
    }
  }
}

BOOST_AUTO_TEST_CASE(patterns_that_are_none_are_refused) {
  BOOST_CHECK_THROW(Agents(""), ConfigError);
  BOOST_CHECK_THROW(Agents("a: [b"), ConfigError);
  BOOST_CHECK_EXCEPTION(Robots("fine\n(unclosed\n"), ConfigError, [](const ConfigError& error) {
    return std::string(error.what()).find("(unclosed") != std::string::npos;
  });
}

struct RobotCase {
  const char* user_agent;
  bool is_robot;
};
std::ostream& operator<<(std::ostream& out, const RobotCase& c) { return out << c.user_agent; }

const RobotCase kRobots[] = {
    {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true},
    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", true},
    {"facebookexternalhit/1.1", true},
    {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "HeadlessChrome/120.0.0.0",
     true},
    {"SomeNewBot/0.1", true},
    {"Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36", false},
    {"Mozilla/5.0 (Linux; Android 9; CUBOT) AppleWebKit/537.36", false},
    {"curl/7.20", false},
    {"", false},
    {kIe11, false},
    {kEdge, false},
    {kOpera, false},
};

BOOST_DATA_TEST_CASE(robots_that_say_so_are_known, data::make(kRobots), c) {
  static Robots robots(record::default_robots());
  BOOST_TEST(robots.has(c.user_agent) == c.is_robot);
}

BOOST_AUTO_TEST_CASE(no_browser_that_uap_core_knows_on_a_phone_is_a_robot) {
  Robots robots(record::default_robots());
  for (const auto& c : YAML::LoadFile(kUapCore + "tests/test_device.yaml")["test_cases"]) {
    const auto family = c["family"].as<std::string>();
    const auto user_agent = c["user_agent_string"].as<std::string>();
    if (family == "iPhone" || family == "iPad") BOOST_TEST(!robots.has(user_agent), user_agent);
  }
}

BOOST_AUTO_TEST_CASE(what_a_web_request_finds_is_what_the_server_leaves_out) {
  Robots robots(record::default_robots());
  const record::RobotNames names(record::default_robots());
  for (const auto& c : kRobots) BOOST_TEST(names.find_in(c.user_agent) == c.is_robot, c);
  int found = 0;
  for (const char* file : {"ua", "os", "device"}) {
    for (const auto& c : YAML::LoadFile(kUapCore + "tests/test_" + file + ".yaml")["test_cases"]) {
      const auto user_agent = c["user_agent_string"].as<std::string>();
      const bool is_robot = robots.has(user_agent);
      BOOST_REQUIRE_MESSAGE(names.find_in(user_agent) == is_robot, user_agent);
      found += is_robot;
    }
  }
  BOOST_TEST(found > 100);
}

struct NameCase {
  const char* pattern;
  const char* user_agent;
  bool is_found;
};
std::ostream& operator<<(std::ostream& out, const NameCase& c) {
  return out << c.pattern << " in " << c.user_agent;
}

const NameCase kNames[] = {
    {"ab", "xABx", true},
    {"ab", "a", false},
    {"ab", "", false},
    {"ab\\b", "xab", true},
    {"ab\\b", "xab/", true},
    {"ab\\b", "abc", false},
    {"ab\\b", "ab_", false},
    {"\\bab", "ab", true},
    {"\\bab", "-abc", true},
    {"\\bab", "xab", false},
    {"\\bab/\\b", "ab/c", true},
    {"\\bab/\\b", "ab/", false},
    {"[^u]ab", "xab", true},
    {"[^u]ab", "Uab", false},
    {"[^u]ab", "ab", false},
    {"a\\.b", "a.b", true},
    {"a\\.b", "axb", false},
    {"xx|ab|y\\+", "Y+", true},
    {"# ab\n\n  cd ", "ab", false},
    {"# ab\n\n  cd ", "cd", true},
};

BOOST_DATA_TEST_CASE(a_robots_name_is_found_as_re2_finds_it, data::make(kNames), c) {
  BOOST_TEST(record::RobotNames(c.pattern).find_in(c.user_agent) == c.is_found);
  BOOST_TEST(Robots(c.pattern).has(c.user_agent) == c.is_found);
}

BOOST_DATA_TEST_CASE(a_pattern_that_is_no_literal_is_refused,
                     data::make({"a.*b", "(?:ab)", "ab?", "[ab]cd", "a\\db", "a", "ab|", "^ab"}),
                     pattern) {
  BOOST_CHECK_THROW(record::RobotNames{pattern}, ConfigError);
}

struct PageCase {
  const char* rollup;
  Page page;
  const char* bucket;
};
std::ostream& operator<<(std::ostream& out, const PageCase& c) { return out << c.rollup; }

const PageCase kPages[] = {
    {"ip", {.ip = "192.0.2.17"}, "192.0.2.17"},
    {"ip:/24", {.ip = "192.0.2.17"}, "192.0.2.0"},
    {"ip:/9", {.ip = "10.255.255.255"}, "10.128.0.0"},
    {"ip:/24", {.ip = "2001:db8:1234:5678::1"}, "2001:db8:1234::"},
    {"ip", {.ip = "2001:DB8::0001"}, "2001:db8::1"},
    {"ip", {.ip = "unix:"}, "unix:"},
    {"referrer", {.referrer = "https://User@Search.Example:443/?q=pie"}, "search.example"},
    {"referrer", {.referrer = "http://[2001:db8::1]:80/"}, "[2001:db8::1]"},
    {"referrer", {.referrer = ""}, ""},
    {"referrer", {.referrer = "nonsense"}, ""},
    {"path", {.url = "https://x.example/a/b?c#d"}, "/a/b"},
    {"path", {.url = "https://x.example"}, "/"},
    {"path", {.url = "/only/a/path?x"}, "/only/a/path"},
    {"path:^/([^/]+)", {.url = "https://x.example/fruit/apples"}, "fruit"},
    {"path:^/fruit", {.url = "https://x.example/fruit/apples"}, "/fruit"},
    {"path:^/fruit", {.url = "https://x.example/cheese"}, ""},
    {"query:q", {.url = "/?a=1&q=apple+pie%21&q=2"}, "apple pie!"},
    {"query:q", {.url = "/?q=%e9%zz"}, "\xc3\xa9%zz"},
    {"query:q", {.url = "/?q"}, ""},
    {"query:q", {.url = "/q=1"}, ""},
    {"header:accept-language", {.headers = "Host: x\nAccept-Language: de, en"}, "de, en"},
    {"header:DNT", {.headers = "Host: x"}, ""},
};

BOOST_DATA_TEST_CASE(a_page_decides_its_bucket, data::make(kPages), c) {
  BOOST_TEST(bucket_of(parse_rollup(c.rollup, "UTC"), c.page, nullptr) == c.bucket);
}
