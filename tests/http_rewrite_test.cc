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
#include "http/pixel_injector.h"
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

struct PageCase {
  const char* says;
  std::string page;
  std::string shown;
};
std::ostream& operator<<(std::ostream& out, const PageCase& c) { return out << c.says; }

const std::string kLong(70'000, 'x');

const PageCase kPages[] = {
    {"the tag stands before the end of the body", "<body>a</body></html>\n",
     "<body>a#</body></html>\n"},
    {"capitals count", "<BODY>a</BODY></HTML>", "<BODY>a#</BODY></HTML>"},
    {"blanks before the bracket count", "a</body \n>b", "a#</body \n>b"},
    {"the last of two is taken", "a</body>b</body>c", "a</body>b#</body>c"},
    {"the last of three, too", "</body></body></body>", "</body></body>#</body>"},
    {"a page without it stays", "<html>a</html>", "<html>a</html>"},
    {"one that is cut short stays", "a</bod", "a</bod"},
    {"one without its bracket stays", "a</body", "a</body"},
    {"another element is none", "a</bodyguard>b", "a</bodyguard>b"},
    {"look-alikes before it are none", "<</</b</bo</bod</body>", "<</</b</bo</bod#</body>"},
    {"an empty page stays", "", ""},
    {"what is far before the end is no end", "a</body>" + kLong, "a</body>" + kLong},
    {"one after a far one counts", "a</body>" + kLong + "</body>", "a</body>" + kLong + "#</body>"},
};

std::string inject_in_pieces(const std::string& page, std::size_t size) {
  PixelInjector injector("#");
  tests::TextSink out;
  for (std::size_t at = 0; at < page.size(); at += size) {
    const auto piece = page.substr(at, size);
    const std::vector<char> bytes(piece.begin(), piece.end());  // with no NUL to read beyond them
    injector.feed({bytes.data(), bytes.size()}, out);
  }
  injector.finish(out);
  return out.text;
}

}  // namespace

BOOST_DATA_TEST_CASE(the_pixel_finds_its_place_at_every_cut, data::make(kPages), c) {
  for (std::size_t cut = 0; cut <= std::min<std::size_t>(c.page.size(), 200); ++cut) {
    PixelInjector injector("#");
    tests::TextSink out;
    injector.feed(c.page.substr(0, cut), out);
    injector.feed(c.page.substr(cut), out);
    injector.finish(out);
    BOOST_REQUIRE_EQUAL(out.text, c.shown);
  }
  for (const std::size_t size : {1, 2, 3, 5, 4096, 65'536}) {
    BOOST_REQUIRE_EQUAL(inject_in_pieces(c.page, size), c.shown);
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_a_page_is_found_however_far_it_is) {
  const std::pair<std::string, std::string> ends[] = {
      {"", "</body>"}, {"", "</BODY>"}, {"<b></b>", "</bOdY>"}, {"</br><a b>", "</body\n>"}};
  for (std::size_t length = 0; length < 200; ++length) {
    for (const auto& [before, end] : ends) {
      const auto text = std::string(length, 'x') + before;
      const auto after = std::string(length % 70, 'y');
      BOOST_REQUIRE_EQUAL(inject_in_pieces(text + end + after, 4096), text + "#" + end + after);
    }
  }
}

BOOST_AUTO_TEST_CASE(never_more_than_64_kib_is_held_back) {
  PixelInjector injector("#");
  tests::TextSink out;
  std::string fed;
  for (int i = 0; i < 3000; ++i) {
    const auto piece = i % 7 ? std::string(100, 'x') : "</body>" + std::string(i, ' ');
    fed += piece;
    injector.feed(piece, out);
    BOOST_REQUIRE_LE(fed.size() - out.text.size(), PixelInjector::kMaxHeldBytes);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_off_gets_no_pixel) {
  PixelInjector injector("#");
  tests::TextSink out;
  injector.feed("a</body>b", out);
  BOOST_TEST(out.text == "a");
  injector.abandon(out);
  BOOST_TEST(out.text == "a</body>b");
}

BOOST_AUTO_TEST_CASE(a_pixel_path_is_quoted_for_html) {
  BOOST_TEST(pixel_tag("/p?a=\"&<b").starts_with("<img src=\"/p?a=&quot;&amp;&lt;b\""));
}

namespace {

struct PixelCase {
  const char* says;
  std::string head;
  bool takes;
};
std::ostream& operator<<(std::ostream& out, const PixelCase& c) { return out << c.says; }

const PixelCase kPixels[] = {
    {"HTML takes it", "Content-Type: text/html\n\n", true},
    {"HTML with a charset takes it", "Content-Type: Text/HTML; charset=utf-8\n\n", true},
    {"an error page takes it", "Status: 404 No\nContent-Type: text/html\n\n", true},
    {"text does not", "Content-Type: text/plain\n\n", false},
    {"an unknown type does not", "A: b\n\n", false},
    {"a type that only begins alike does not", "Content-Type: text/htmlx\n\n", false},
    {"an encoded page does not", "Content-Type: text/html\nContent-Encoding: gzip\n\n", false},
    {"identity is no encoding", "Content-Type: text/html\nContent-Encoding: identity\n\n", true},
    {"a part does not", "Status: 206 Part\nContent-Type: text/html\n\n", false},
    {"a redirection does not", "Location: /x\nContent-Type: text/html\n\n", false},
    {"a file that the web server sends does not", "Content-Type: text/html\nX-Sendfile: /x\n\n",
     false},
    {"nor another location", "Content-Type: text/html\nx-accel-redirect: /x\n\n", false},
    {"no content does not", "Status: 204\nContent-Type: text/html\n\n", false},
};

AnswerHead head_of(const std::string& text) {
  HeadParser parser;
  BOOST_REQUIRE(parser.feed(text) == HeadParser::Progress::complete);
  return parser.head();
}

}  // namespace

BOOST_DATA_TEST_CASE(only_a_page_that_is_shown_takes_the_pixel, data::make(kPixels), c) {
  BOOST_TEST(takes_pixel(head_of(c.head)) == c.takes);
}

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
