// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE http_rewrite
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <ostream>
#include <vector>

#include "http/caching.h"
#include "http/head_parser.h"
#include "http/report.h"
#include "http/request.h"
#include "http/rewrite.h"
#include "tests/support/answer_text.h"

namespace data = boost::unit_test::data;
using namespace manhattan;
using namespace manhattan::http;
using namespace std::string_literals;

BOOST_TEST_DONT_PRINT_LOG_VALUE(HeadParser::Progress)

// ---- The pixel

namespace {

AnswerHead head_of(const std::string& text) {
  HeadParser parser;
  BOOST_REQUIRE(parser.feed(text) == HeadParser::Progress::complete);
  return parser.head();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_page_with_a_pixel_says_nothing_that_is_wrong) {
  auto head = head_of("Content-Type: text/html\nContent-Length: 5\nETag: \"a\"\nDigest: x\n\n");
  prepare_for_pixel(head);
  BOOST_TEST(tests::text_of(head) == "Content-Type: text/html\r\nETag: W/\"a\"\r\n\r\n");
  auto weak = head_of("ETag: W/\"a\"\n\n");
  prepare_for_pixel(weak);
  BOOST_TEST(weak.find("ETag").value() == "W/\"a\"");
  auto odd = head_of("ETag: a\n\n");
  prepare_for_pixel(odd);
  BOOST_TEST(!odd.find("ETag"));
}

BOOST_AUTO_TEST_CASE(the_pixel_is_43_bytes_that_nobody_keeps) {
  const auto answer = pixel_answer(false);
  const auto body = answer.substr(answer.find("\r\n\r\n") + 4);
  BOOST_TEST(body.size() == 43U);
  BOOST_TEST(body.starts_with("GIF89a"));
  BOOST_TEST(answer.find("no-store") != std::string::npos);
  BOOST_TEST(pixel_answer(true).ends_with("\r\n\r\n"));
  BOOST_TEST(plain_answer("404 Not Found").find("Cache-Control: no-store") != std::string::npos);
}

// ---- Cookies

BOOST_AUTO_TEST_CASE(a_cookie_keeps_shared_caches_away) {
  auto head = head_of("Cache-Control: Public, max-age=60, s-maxage=9\nVary: Accept\n\n");
  add_cookie(head, cookie_to_set("m", "v", true));
  BOOST_TEST(tests::text_of(head) ==
             "Cache-Control: private, max-age=60\r\nVary: Accept, Cookie\r\n"
             "Set-Cookie: m=v; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax; Secure\r\n\r\n");
  BOOST_TEST(cookie_to_set("m", "v", false).find("Secure") == std::string::npos);
}

namespace {

struct CacheCase {
  const char* says;
  std::string head;
  std::string kept;  ///< without the Vary: Cookie at the end
};
std::ostream& operator<<(std::ostream& out, const CacheCase& c) { return out << c.says; }

const CacheCase kCaches[] = {
    {"no header: there is one", "A: b\n", "A: b\r\nCache-Control: private\r\n"},
    {"a lifetime alone is for browsers", "Cache-Control: max-age=600\n",
     "Cache-Control: private, max-age=600\r\n"},
    {"s-maxage alone goes", "Cache-Control: s-maxage=600\n", "Cache-Control: private\r\n"},
    {"s-maxage beside private goes", "Cache-Control: private, S-MaxAge=600, max-age=3\n",
     "Cache-Control: private, max-age=3\r\n"},
    {"what is private stays byte for byte", "Cache-Control: max-age=3,PRIVATE\n",
     "Cache-Control: max-age=3,PRIVATE\r\n"},
    {"what nobody stores stays", "Cache-Control: No-Store\n", "Cache-Control: No-Store\r\n"},
    {"must-understand would undo no-store", "Cache-Control: must-understand, no-store\n",
     "Cache-Control: no-store\r\n"},
    {"no-store and public contradict", "Cache-Control: public, no-store\n",
     "Cache-Control: no-store\r\n"},
    {"no-cache is kept and asked about, so it is not private", "Cache-Control: no-cache\n",
     "Cache-Control: private, no-cache\r\n"},
    {"private for a field is not private", "Cache-Control: private=\"Set-Cookie, A\", max-age=1\n",
     "Cache-Control: private, max-age=1\r\n"},
    {"private within quotes is not private", "Cache-Control: no-cache=\"a, private\", public\n",
     "Cache-Control: private, no-cache=\"a, private\"\r\n"},
    {"a quote that never ends hides nothing", "Cache-Control: x=\"a, private\n",
     "Cache-Control: private, x=\"a, private\r\n"},
    {"an escaped quote ends nothing", "Cache-Control: x=\"a\\\", private\", public\n",
     "Cache-Control: private, x=\"a\\\", private\"\r\n"},
    {"several headers become one", "Cache-Control: public\nA: b\ncache-control: s-maxage=1, a=1\n",
     "Cache-Control: private, a=1\r\nA: b\r\n"},
    {"private in the second counts", "Cache-Control: max-age=1\nCache-Control: private\n",
     "Cache-Control: max-age=1\r\nCache-Control: private\r\n"},
    {"what browsers are told stays",
     "Cache-Control: max-age=1, immutable, stale-while-revalidate=2, must-revalidate, "
     "proxy-revalidate\n",
     "Cache-Control: private, max-age=1, immutable, stale-while-revalidate=2, must-revalidate\r\n"},
    {"an empty header is filled", "Cache-Control: \n", "Cache-Control: private\r\n"},
    {"empty items are no items", "Cache-Control: ,, public ,\n", "Cache-Control: private\r\n"},
    {"Expires alone lets shared caches in", "Expires: Thu, 01 Jan 2099 00:00:00 GMT\n",
     "Expires: Thu, 01 Jan 2099 00:00:00 GMT\r\nCache-Control: private\r\n"},
    {"Pragma is no answer's word", "Pragma: no-cache\n",
     "Pragma: no-cache\r\nCache-Control: private\r\n"},
    {"headers for shared caches alone go",
     "Surrogate-Control: max-age=9\nCDN-Cache-Control: max-age=9\nX-Accel-Expires: 9\n"
     "Cloudflare-CDN-Cache-Control: public\nX-LiteSpeed-Cache-Control: public\nEdge-Control: x=1\n"
     "Cache-Control: private\n",
     "Cache-Control: private\r\n"},
    {"but not where they keep them away",
     "Surrogate-Control: no-store\nCDN-Cache-Control: private\nX-Accel-Expires: 0\n"
     "Cache-Control: private\n",
     "Surrogate-Control: no-store\r\nCDN-Cache-Control: private\r\nX-Accel-Expires: 0\r\n"
     "Cache-Control: private\r\n"},
};

}  // namespace

BOOST_DATA_TEST_CASE(an_answer_is_kept_to_its_visitor, data::make(kCaches), c) {
  auto head = head_of(c.head + "\n");
  keep_to_visitor(head);
  BOOST_TEST(tests::text_of(head) == c.kept + "Vary: Cookie\r\n\r\n");
  const auto once = head;
  keep_to_visitor(head);
  BOOST_TEST((head.headers == once.headers));
}

BOOST_AUTO_TEST_CASE(the_manual_has_the_table_of_cookies_and_caches) {
  std::ifstream file("man/manhattan-fcgi.8");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  for (const auto& policy : kAnswerPolicies) {
    const auto row = ".It "s + policy.answer + " Ta " + (policy.may_set_cookie ? "yes" : "no") +
                     " Ta " + (policy.may_be_kept ? "as the program says" : "by nobody") + "\n";
    BOOST_TEST(manual.find(row) != manual.npos, row);
  }
}

BOOST_AUTO_TEST_CASE(vary_names_the_cookie_once) {
  const auto varied = [](const std::string& text) {
    auto head = head_of("Cache-Control: private\n" + text + "\n");
    keep_to_visitor(head);
    return tests::text_of(head).substr(sizeof "Cache-Control: private\r\n" - 1);
  };
  BOOST_TEST(varied("Vary: *\n") == "Vary: *\r\n\r\n");
  BOOST_TEST(varied("Vary: Accept, cookie\n") == "Vary: Accept, cookie\r\n\r\n");
  BOOST_TEST(varied("Vary: Accept\nVary: Cookie\n") == "Vary: Accept\r\nVary: Cookie\r\n\r\n");
  BOOST_TEST(varied("Vary: \n") == "Vary: Cookie\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(every_cookie_of_a_name_is_found) {
  std::string_view cookies = "a=1; m=x; mm=2;m=\"y z\" ; =; m";
  BOOST_TEST(take_cookie(cookies, "m").value() == "x");
  BOOST_TEST(take_cookie(cookies, "m").value() == "y z");
  BOOST_TEST(!take_cookie(cookies, "m"));
  BOOST_TEST(cookies.empty());
  BOOST_TEST(!take_cookie(cookies, "m"));
}

// ---- What programs report

BOOST_AUTO_TEST_CASE(a_goal_is_read_with_its_attributes) {
  const auto goal = parse_goal("Began Checkout; value=12.50; type=S; format=C");
  BOOST_REQUIRE(goal.has_value());
  BOOST_TEST(goal->name == "Began Checkout");
  BOOST_TEST(goal->value.value().to_string() == "12.5");
  BOOST_TEST(goal->type == 'S');
  BOOST_TEST(goal->format == 'C');
  BOOST_TEST(parse_goal(" plain ").value().name == "plain");
  BOOST_TEST(parse_goal("\"a; \\\"b\\\"\"; value=0").value().name == "a; \"b\"");
  BOOST_TEST(parse_goal("x;").value().name == "x");
}

BOOST_DATA_TEST_CASE(what_is_no_goal_is_refused,
                     data::make({"", ";", "; value=1", "a; value=x", "a; value=nan", "a; type=X",
                                 "a; type=SS", "a; format=", "a; colour=red", "a; value", "\"a"}),
                     text) {
  BOOST_TEST(!parse_goal(text).has_value());
}

BOOST_AUTO_TEST_CASE(a_split_needs_its_population) {
  const auto split = parse_split("Blue Button; selected=True");
  BOOST_REQUIRE(split.has_value());
  BOOST_TEST(split->name == "Blue Button");
  BOOST_TEST(split->population == "True");
  BOOST_TEST(!parse_split("Blue Button").has_value());
  BOOST_TEST(!parse_split("Blue Button; selected=").has_value());
  BOOST_TEST(!parse_split("; selected=x").has_value());
}
