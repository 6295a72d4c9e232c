// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE wrap_visit
#include <signal.h>
#include <sys/stat.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <fstream>

#include "base/text.h"
#include "tests/support/fcgi_wrapper.h"
#include "visitor/visitor_id.h"

using namespace manhattan;
using namespace manhattan::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// `name=value` of the cookie that an answer sets; empty where it sets none.
std::string cookie_of(const FcgiAnswer& answer) {
  const auto cookie = answer.header("Set-Cookie");
  return cookie.substr(0, cookie.find(';'));
}

/// The fields of a record from its kind on, without the timestamp.
std::string told(const std::string& record) {
  const auto fields = base::split(record, '\t');
  std::string text(fields.at(1));
  for (std::size_t i = 3; i < fields.size(); ++i) text.append("|").append(fields[i]);
  return text;
}

std::string visitor_of(const std::string& cookie) { return cookie.substr(10, 40); }

std::string html(const FcgiWrapper& wrapper, const std::string& headers, const std::string& page) {
  return wrapper.program(
      "page", "#!/bin/sh\nprintf 'Content-Type: text/html\\n" + headers + "\\n" + page + "'\n");
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_new_visitor_gets_a_cookie_and_a_known_one_does_not) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "echo $MANHATTAN_VISITOR");
  const auto first = wrapper.ask(wrapper.get(program));
  const auto cookie = cookie_of(first);
  BOOST_TEST(cookie.starts_with("manhattan="));
  BOOST_TEST(first.body() == visitor_of(cookie) + "\n");
  BOOST_TEST(has(first.header("Set-Cookie"), "; HttpOnly; SameSite=Lax"));
  const auto second = wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", "a=b; " + cookie}}));
  BOOST_TEST(cookie_of(second) == "");
  BOOST_TEST(second.header("Vary") == "");
  BOOST_TEST(second.body() == first.body());
  const auto records = wrapper.records();
  BOOST_REQUIRE(records.size() == 2U);
  const auto page =
      "page|" + visitor_of(cookie) + "|0|192.0.2.1|GET|http://example.com/program?a=b|test|";
  BOOST_TEST(told(records[0]) == page);
  BOOST_TEST(told(records[1]) == page);
}

BOOST_AUTO_TEST_CASE(a_forged_cookie_makes_a_new_visitor) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "echo $MANHATTAN_VISITOR");
  const auto cookie = cookie_of(wrapper.ask(wrapper.get(program)));
  auto forged = cookie;
  forged[12] = forged[12] == 'a' ? 'b' : 'a';
  const auto answer = wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", forged}}));
  BOOST_TEST(cookie_of(answer) != "");
  BOOST_TEST(!has(answer.body(), visitor_of(forged)));
  // A second cookie of that name, set for another path by somebody else, does not hide ours.
  const auto both = wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", forged + "; " + cookie}}));
  BOOST_TEST(both.body() == visitor_of(cookie) + "\n");
}

BOOST_AUTO_TEST_CASE(the_pixel_counts_only_with_a_cookie_and_by_get_or_head) {
  FcgiWrapper wrapper;
  const auto pixel = [&](const FcgiParameters& more) {
    auto all = FcgiParameters{{"REQUEST_URI", "/vpixel.gif?x"}};
    all.insert(all.end(), more.begin(), more.end());
    return wrapper.ask(wrapper.get(wrapper.shell("p", "echo program"), all));
  };
  const auto fresh = pixel({});
  BOOST_TEST(fresh.body().size() == 43U);
  BOOST_TEST(fresh.header("Content-Type") == "image/gif");
  BOOST_TEST(has(fresh.header("Cache-Control"), "no-store"));
  BOOST_TEST(cookie_of(fresh) == "");
  BOOST_TEST(wrapper.records().empty());
  const auto cookie = cookie_of(wrapper.run("echo"));
  BOOST_TEST(pixel({{"HTTP_COOKIE", cookie}}).body().size() == 43U);
  BOOST_TEST(pixel({{"HTTP_COOKIE", cookie}, {"REQUEST_METHOD", "HEAD"}}).body() == "");
  const auto posted = pixel({{"HTTP_COOKIE", cookie}, {"REQUEST_METHOD", "POST"}});
  BOOST_TEST(posted.body() == "program\n");
  const auto records = wrapper.records();
  BOOST_REQUIRE(records.size() == 4U);
  BOOST_TEST(told(records[1]) == "pixel|" + visitor_of(cookie) + "|0");
  BOOST_TEST(told(records[2]) == told(records[1]));
  BOOST_TEST(told(records[3]).starts_with("page|"));
}

BOOST_AUTO_TEST_CASE(reports_in_headers_are_recorded_after_the_page_and_not_shown) {
  FcgiWrapper wrapper;
  const auto program = wrapper.program(
      "p",
      "#!/bin/sh\nprintf 'Content-Type: text/plain\\nManhattan-Goal: Began Checkout; value=12.50; "
      "type=S; format=C\\nManhattan-Split: Blue Button; selected=True\\nmanhattan-goal: nonsense; "
      "value=x\\nManhattan-Goal: seen\\n\\nbody'\n");
  const auto answer = wrapper.ask(wrapper.get(program));
  BOOST_TEST(!has(base::to_lower(answer.head()), "manhattan-"));
  BOOST_TEST(answer.body() == "body");
  const auto id = visitor_of(cookie_of(answer));
  const auto records = wrapper.records();
  BOOST_REQUIRE(records.size() == 4U);
  BOOST_TEST(told(records[0]).starts_with("page|"));
  BOOST_TEST(told(records[1]) == "split|" + id + "|0|Blue Button|True");
  BOOST_TEST(told(records[2]) == "goal|" + id + "|0|Began Checkout|12.5|S|C");
  BOOST_TEST(told(records[3]).starts_with("goal|" + id + "|0|seen|"));
  BOOST_TEST(has(wrapper.messages(), "nonsense"));
}

BOOST_AUTO_TEST_CASE(the_page_is_recorded_before_its_program_runs) {
  FcgiWrapper wrapper;
  BOOST_TEST(wrapper.run("cut -f2 $MANHATTAN_PATH.*").body() == "page\n");
}

BOOST_DATA_TEST_CASE(what_is_no_page_is_not_recorded,
                     boost::unit_test::data::make({"PUT", "DELETE", "HEAD"}), method) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.ask(
      wrapper.get(html(wrapper, "Manhattan-Goal: g\\n", "</body>"), {{"REQUEST_METHOD", method}}));
  BOOST_TEST(answer.status() == 200);
  BOOST_TEST(cookie_of(answer) == "");
  BOOST_TEST(wrapper.records().empty());
  BOOST_TEST(!has(answer.head(), "Manhattan"));
}

namespace {

/// The pixel's address in a page; empty where it has none.
std::string pixel_of(const FcgiAnswer& answer) {
  const auto body = answer.body();
  const auto at = body.find("src=\"/vpixel.gif");
  return at == body.npos ? "" : body.substr(at + 5, body.find('"', at + 5) - at - 5);
}

/// A wrapper with rules, and a page that reports.
struct Ahead {
  FcgiWrapper wrapper{[](auto&, auto& instruments) {
    instruments.splits.push_back(wrap::SplitRule::parse("Colour; population=red"));
    instruments.goals.push_back(wrap::GoalRule::parse("ruled"));
  }};
  std::string program =
      html(wrapper,
           "Manhattan-Goal: told; value=2\\nManhattan-Split: Shape; selected=round\\nETag: \"a\"\\n"
           "Cache-Control: max-age=60\\n",
           "<html><body>a</body></html>");
  FcgiAnswer fetch(const FcgiParameters& more) const {
    return wrapper.ask(wrapper.get(program, more));
  }
  FcgiAnswer pixel(const std::string& address, const std::string& cookie,
                   const char* purpose = "") const {
    return fetch(
        {{"REQUEST_URI", address}, {"HTTP_COOKIE", cookie}, {"HTTP_SEC_PURPOSE", purpose}});
  }
};

}  // namespace

BOOST_DATA_TEST_CASE(a_page_that_is_fetched_ahead_is_recorded_once_it_is_shown,
                     boost::unit_test::data::make({"HTTP_SEC_PURPOSE=prefetch",
                                                   "HTTP_PURPOSE=prefetch", "HTTP_X_MOZ=prefetch",
                                                   "HTTP_X_PURPOSE=preview",
                                                   "HTTP_SEC_PURPOSE=prefetch;prerender"}),
                     purpose) {
  const Ahead ahead;
  const std::string text = purpose;
  const auto equals = text.find('=');
  for (const bool is_known : {false, true}) {
    const auto before = ahead.wrapper.records().size();
    const auto known = is_known ? cookie_of(ahead.fetch({{"REQUEST_METHOD", "POST"}})) : "";
    const auto since = ahead.wrapper.records().size();
    const auto page = ahead.fetch({{text.substr(0, equals), text.substr(equals + 1)},
                                   {"HTTP_COOKIE", known},
                                   {"HTTP_REFERER", "http://example.com/a?\"&b"}});
    BOOST_TEST(ahead.wrapper.records().size() == since);
    BOOST_TEST((before == since) == !is_known);
    const auto cookie = is_known ? known : cookie_of(page);
    BOOST_TEST(cookie != "");
    BOOST_TEST((cookie_of(page) == "") == is_known);
    BOOST_TEST(has(page.header("Cache-Control"), "private"));
    BOOST_TEST(page.header("ETag") == "");
    BOOST_TEST(has(page.body(), "<audio") == (text.find("prerender") != text.npos));
    const auto address = pixel_of(page);
    BOOST_TEST(address.starts_with("/vpixel.gif?"));
    // A picture that is loaded ahead, another visitor and a change prove nothing.
    ahead.pixel(address, cookie, "prefetch;prerender");
    ahead.pixel(address, "");
    auto changed = address;
    changed[30] = changed[30] == 'a' ? 'b' : 'a';
    BOOST_TEST(ahead.wrapper.records().size() == since);
    ahead.pixel(changed, cookie);
    BOOST_TEST(ahead.wrapper.records().size() == since + 1);
    BOOST_TEST(ahead.pixel(address, cookie).body().size() == 43U);
    const auto records = ahead.wrapper.records();
    BOOST_REQUIRE(records.size() == since + 7);
    const auto id = visitor_of(cookie);
    const auto told_of = [&](std::size_t i) { return told(records[since + i]); };
    BOOST_TEST(told_of(0) == "pixel|" + id + "|0");
    BOOST_TEST(
        told_of(1) ==
        "page|" + id +
            "|0|192.0.2.1|GET|http://example.com/program?a=b|test|http://example.com/a?\"&b");
    BOOST_TEST(told_of(2) == "split|" + id + "|0|Colour|red");
    BOOST_TEST(told_of(3) == "split|" + id + "|0|Shape|round");
    BOOST_TEST(told_of(4) == "goal|" + id + "|0|told|2||");
    BOOST_TEST(told_of(5) == "goal|" + id + "|0|ruled|||");
    BOOST_TEST(told_of(6) == "pixel|" + id + "|0");
    ahead.pixel(address, cookie);  // the page is shown again, from the browser's cache
    BOOST_TEST(ahead.wrapper.records().size() == since + 8);
    const auto other = cookie_of(ahead.fetch({}));
    const auto then = ahead.wrapper.records().size();
    ahead.pixel(pixel_of(ahead.fetch({{"HTTP_PURPOSE", "prefetch"}, {"HTTP_COOKIE", cookie}})),
                other);
    BOOST_TEST(ahead.wrapper.records().size() == then + 1);
  }
}

BOOST_AUTO_TEST_CASE(what_is_fetched_ahead_is_whole_and_its_program_knows) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell(
      "p",
      "echo $MANHATTAN_PREFETCH.$HTTP_IF_NONE_MATCH.$HTTP_IF_MODIFIED_SINCE.$MANHATTAN_VISITOR");
  const auto answer = [&](const char* purpose) {
    return wrapper.ask(wrapper.get(program, {{"HTTP_IF_NONE_MATCH", "a"},
                                             {"HTTP_IF_MODIFIED_SINCE", "b"},
                                             {"HTTP_SEC_PURPOSE", purpose}}));
  };
  const auto ahead = answer("prefetch");
  BOOST_TEST(ahead.body() == "1..." + visitor_of(cookie_of(ahead)) + "\n");
  BOOST_TEST(answer("").body().starts_with(".a.b."));
}

BOOST_AUTO_TEST_CASE(a_token_is_used_once_while_it_is_good) {
  using namespace std::chrono_literals;
  wrap::UsedTokens used;
  const UnixNanos now(1'800'000'000s);
  BOOST_TEST(used.use("1.a.one", now));
  BOOST_TEST(!used.use("1.a.one", now));
  BOOST_TEST(used.use("1.a.two", now + 14min));
  BOOST_TEST(used.use("1.a.three", now + 16min));  // here the first are the older ones
  BOOST_TEST(!used.use("2.b.one", now + 16min));   // the signature alone tells
  BOOST_TEST(!used.use("1.a.two", now + 28min));
  for (std::size_t i = 0; i < 2 * wrap::UsedTokens::kMostUsed; ++i) {
    used.use("1.a." + std::to_string(i), now + 28min);
  }
  BOOST_TEST(used.use("1.a.two", now + 28min));  // forgotten early, for there were too many
}

BOOST_AUTO_TEST_CASE(a_page_with_too_much_for_its_pixel_is_not_recorded_and_said) {
  const Ahead ahead;
  const auto page =
      ahead.fetch({{"HTTP_PURPOSE", "prefetch"},
                   {"REQUEST_URI", "/program?" + std::string(3'000, 'x')},
                   {"HTTP_REFERER", "http://example.com/" + std::string(3'000, 'y')}});
  BOOST_TEST(pixel_of(page) == "/vpixel.gif");
  BOOST_TEST(has(ahead.wrapper.messages(), "fetched ahead has more to record"));
}

BOOST_AUTO_TEST_CASE(a_page_gets_the_pixel_once_and_a_true_head) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.ask(
      wrapper.get(html(wrapper, "Content-Length: 29\\nETag: \"x\"\\nCache-Control: public\\n",
                       "<body></BODY>a</body></html>\\n")));
  BOOST_TEST(answer.header("Content-Length") == "");
  BOOST_TEST(answer.header("ETag") == "W/\"x\"");
  BOOST_TEST(answer.header("Cache-Control") == "private");
  BOOST_TEST(answer.header("Vary") == "Cookie");
  const auto body = answer.body();
  BOOST_TEST(body.starts_with("<body><img src=\"/vpixel.gif\""), body);
  BOOST_TEST(body.ends_with("/></BODY>a</body></html>\n"), body);
  BOOST_TEST(answer.is_ended);
}

BOOST_AUTO_TEST_CASE(an_answer_that_needs_no_change_has_none) {
  FcgiWrapper wrapper;
  const auto cookie = cookie_of(wrapper.run("echo"));
  const std::string page =
      "Content-Type: text/html\r\nContent-Encoding: gzip\r\n"
      "ETag: \"a\"\r\nX-odd:\r\nCache-Control: public\r\n"
      "Content-Length: 14\r\n\r\n</body></body>";
  std::ofstream(wrapper.path("page")) << page;
  const auto program = wrapper.program("p", "#!/bin/sh\nexec cat page\n");
  auto answer = wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", cookie}}));
  const auto odd = answer.out.find("X-odd: \r\n");  // a blank after the colon is all we add
  BOOST_REQUIRE(odd != std::string::npos);
  answer.out.erase(odd + 6, 1);
  BOOST_TEST(answer.out == page);
}

namespace {

struct CookieCase {
  const char* says;
  const char* method;
  std::string head;  ///< of the answer, without Content-Type
  bool has_cookie;
};
std::ostream& operator<<(std::ostream& out, const CookieCase& c) { return out << c.says; }

const CookieCase kCookies[] = {
    {"a page", "GET", "", true},
    {"the answer to a form", "POST", "", true},
    {"a redirection that caches keep by themselves", "GET", "Status: 301 Moved\\nLocation: /x\\n",
     true},
    {"one that they don't", "POST", "Status: 303 See\\nLocation: /x\\n", true},
    {"a page that is not there", "GET", "Status: 404 Not Found\\n", true},
    {"one that is gone", "GET", "Status: 410 Gone\\n", true},
    {"a program's own error", "GET", "Status: 500 Oops\\n", true},
    {"an answer with a cookie of its own", "GET", "Set-Cookie: own=1\\n", true},
    {"a copy that is still good", "GET", "Status: 304 Not Modified\\n", false},
    {"a part of a copy", "GET", "Status: 206 Partial\\nContent-Range: bytes 0-1/9\\n", false},
    {"a head", "HEAD", "", false},
    {"another method", "PUT", "", false},
};

}  // namespace

BOOST_DATA_TEST_CASE(which_answers_carry_a_cookie_and_stay_with_its_visitor,
                     boost::unit_test::data::make(kCookies), c) {
  FcgiWrapper wrapper;
  const auto program = html(wrapper, c.head + "Cache-Control: max-age=600\\n", "a");
  const auto answer = wrapper.ask(wrapper.get(program, {{"REQUEST_METHOD", c.method}}));
  BOOST_TEST(has(answer.head(), "Set-Cookie: manhattan=") == c.has_cookie);
  BOOST_TEST(answer.header("Cache-Control") ==
             (c.has_cookie ? "private, max-age=600" : "max-age=600"));
}

BOOST_DATA_TEST_CASE(what_a_split_chose_stays_with_its_visitor,
                     boost::unit_test::data::make(kCookies), c) {
  FcgiWrapper wrapper([](auto&, auto& instruments) {
    instruments.splits.push_back(wrap::SplitRule::parse("Colour; population=red; population=blue"));
  });
  const auto cookie = cookie_of(wrapper.run("echo"));
  const auto program = html(wrapper, c.head + "Cache-Control: public, s-maxage=600\\n", "a");
  const auto answer =
      wrapper.ask(wrapper.get(program, {{"REQUEST_METHOD", c.method}, {"HTTP_COOKIE", cookie}}));
  BOOST_TEST(!has(answer.head(), "Set-Cookie: manhattan="));
  BOOST_TEST(answer.header("Cache-Control") == "private");
  BOOST_TEST(answer.header("Vary") == "Cookie");
}

BOOST_AUTO_TEST_CASE(so_does_what_the_program_says_it_split) {
  FcgiWrapper wrapper;
  const auto cookie = cookie_of(wrapper.run("echo"));
  const auto caching = [&](const std::string& header) {
    const auto program = html(wrapper, header + "Cache-Control: public\\n", "a");
    return wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", cookie}})).header("Cache-Control");
  };
  BOOST_TEST(caching("Manhattan-Split: Blue Button; selected=True\\n") == "private");
  BOOST_TEST(caching("Manhattan-Goal: seen\\n") == "public");
}

BOOST_AUTO_TEST_CASE(our_own_errors_are_kept_by_nobody_and_set_no_cookie) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.ask(wrapper.get(wrapper.path("absent")));
  BOOST_TEST(answer.status() == 404);
  BOOST_TEST(cookie_of(answer) == "");
  BOOST_TEST(has(answer.header("Cache-Control"), "no-store"));
}

BOOST_AUTO_TEST_CASE(who_comes_every_day_keeps_the_cookie_for_longer_than_a_year) {
  FcgiWrapper wrapper;
  const visitor::Signer signer({"a secret of the tests"});
  const auto made = [&](int days_ago) {  // the cookie of who first came then
    auto id = visitor::new_visitor_id();
    char day[5];
    const auto then = base::SystemClock().now() - std::chrono::days(days_ago);
    const auto days = std::chrono::floor<std::chrono::days>(then).time_since_epoch().count();
    std::snprintf(day, sizeof day, "%04x", static_cast<unsigned>(days) & 0xffff);
    return "manhattan=" + signer.sign(id.replace(36, 4, day));
  };
  const auto page = [&](const std::string& cookie, const std::string& head) {
    return wrapper.ask(wrapper.get(html(wrapper, head, "a"), {{"HTTP_COOKIE", cookie}}));
  };
  const auto pixel = [&](const std::string& cookie, const char* purpose = "") {
    return wrapper.ask(wrapper.get(
        "",
        {{"REQUEST_URI", "/vpixel.gif"}, {"HTTP_COOKIE", cookie}, {"HTTP_SEC_PURPOSE", purpose}}));
  };
  for (const int days_ago : {0, 29, 31, 200, 364, 4000}) {
    const auto cookie = made(days_ago);
    const auto answer = pixel(cookie);
    BOOST_TEST(cookie_of(answer) == cookie);
    BOOST_TEST(has(answer.header("Set-Cookie"), "; Max-Age=31536000;"));
    BOOST_TEST(has(answer.header("Cache-Control"), "no-store"));
    const bool is_old = days_ago > 30;
    BOOST_TEST(cookie_of(page(cookie, "")) == (is_old ? cookie : ""), days_ago);
    BOOST_TEST(page(cookie, "").header("Cache-Control") == (is_old ? "private" : ""));
    BOOST_TEST(cookie_of(page(cookie, "Cache-Control: private\\n")) == (is_old ? cookie : ""));
    // What caches are told to keep, they keep.
    for (const char* head : {"Cache-Control: public\\n", "Cache-Control: max-age=6\\n",
                             "Expires: Thu, 01 Jan 2099 00:00:00 GMT\\n",
                             "Surrogate-Control: max-age=6\\n", "Status: 304 Same\\n"}) {
      BOOST_TEST(cookie_of(page(cookie, head)) == "", head);
    }
  }
  BOOST_TEST(cookie_of(pixel(made(200), "prefetch")) == "");
  BOOST_TEST(cookie_of(pixel("")) == "");
  // One that the original signed has no day in it.
  BOOST_TEST(cookie_of(page("manhattan=" + signer.sign("v1"), "")) ==
             "manhattan=" + signer.sign("v1"));
}

BOOST_AUTO_TEST_CASE(hosts_have_sites_in_any_case_and_at_any_port) {
  FcgiWrapper wrapper([](auto&, auto& instruments) { instruments.sites = {{"shop.example", 7}}; });
  const auto program = wrapper.shell("p", "echo $MANHATTAN_SITE");
  const auto site = [&](const char* host) {
    return wrapper.ask(wrapper.get(program, {{"HTTP_HOST", host}})).body();
  };
  BOOST_TEST(site("Shop.EXAMPLE:8080") == "7\n");
  BOOST_TEST(site("other.example") == "0\n");
}

BOOST_AUTO_TEST_CASE(settings_rename_the_cookie_and_switch_the_pixel_off) {
  FcgiWrapper wrapper([](auto&, auto& instruments) {
    instruments.cookie_name = "who";
    instruments.pixel_path = "";
  });
  const auto answer = wrapper.ask(wrapper.get(html(wrapper, "Content-Length: 7\\n", "</body>")));
  BOOST_TEST(cookie_of(answer).starts_with("who="));
  BOOST_TEST(answer.header("Content-Length") == "7");
  BOOST_TEST(answer.body() == "</body>");
}

BOOST_AUTO_TEST_CASE(who_asks_not_to_be_recorded_is_nobody_and_is_served) {
  FcgiWrapper wrapper([](auto&, auto& instruments) {
    instruments.refusals = {"HTTP_DNT", "HTTP_SEC_GPC"};
    instruments.goals.push_back(wrap::GoalRule::parse("seen; method=GET"));
    instruments.splits.push_back(wrap::SplitRule::parse("Colour; population=red; population=blue"));
  });
  const auto program =
      html(wrapper, "Manhattan-Goal: told\\nManhattan-Split: Shape; selected=round\\n", "</body>");
  const auto known = cookie_of(wrapper.ask(wrapper.get(program)));
  const auto before = wrapper.records().size();
  BOOST_TEST(before > 0U);
  for (const char* header : {"HTTP_DNT", "HTTP_SEC_GPC"}) {
    for (const auto& cookie : {std::string(), known}) {
      const auto answer =
          wrapper.ask(wrapper.get(program, {{header, "1"}, {"HTTP_COOKIE", cookie}}));
      BOOST_TEST(cookie_of(answer) == "");
      BOOST_TEST(answer.body() == "</body>");
      BOOST_TEST(answer.header("Manhattan-Goal") == "");
    }
  }
  BOOST_TEST(wrapper.records().size() == before);
  const auto told = wrapper.shell("told", "echo $MANHATTAN_VISITOR");
  BOOST_TEST(wrapper.ask(wrapper.get(told, {{"HTTP_DNT", "1"}})).body() == "-\n");
  wrapper.ask(wrapper.get(program, {{"HTTP_DNT", "0"}}));
  BOOST_TEST(wrapper.records().size() > before);
}

BOOST_AUTO_TEST_CASE(without_being_told_so_no_such_wish_changes_anything) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.ask(wrapper.get(wrapper.shell("p", ""), {{"HTTP_DNT", "1"}}));
  BOOST_TEST(cookie_of(answer) != "");
  BOOST_TEST(wrapper.records().size() == 1U);
}

BOOST_AUTO_TEST_CASE(anonymized_a_page_has_the_network_of_its_visitor) {
  FcgiWrapper wrapper([](auto&, auto& instruments) { instruments.is_anonymized = true; });
  const auto program = wrapper.shell("p", "echo $MANHATTAN_ANONYMIZE");
  BOOST_TEST(wrapper.ask(wrapper.get(program, {{"REMOTE_ADDR", "203.0.113.77"}})).body() == "1\n");
  BOOST_REQUIRE(wrapper.records().size() == 1U);
  BOOST_TEST(has(wrapper.records()[0], "\t203.0.113.0\t"));
}

BOOST_AUTO_TEST_CASE(a_page_is_served_though_its_record_is_lost) {
  FcgiWrapper wrapper([](auto& settings, auto&) {
    class Broken : public Log {
      Append append(UnixNanos, std::string_view) noexcept override { return Append::dropped; }
    };
    settings.make_log = [] { return std::make_unique<Broken>(); };
  });
  BOOST_TEST(wrapper.run("echo a").body() == "a\n");
  BOOST_TEST(has(wrapper.messages(), "records dropped so far: 1"));
}

BOOST_AUTO_TEST_CASE(without_a_log_nothing_is_changed) {
  FcgiWrapper wrapper([](auto& settings, auto&) { settings.make_log = nullptr; });
  const auto answer = wrapper.ask(wrapper.get(html(wrapper, "Content-Length: 7\\n", "</body>")));
  BOOST_TEST(answer.out == "Content-Type: text/html\r\nContent-Length: 7\r\n\r\n</body>");
}

BOOST_AUTO_TEST_CASE(with_a_short_secret_known_visitors_are_recorded_and_nobody_gets_a_cookie) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "echo page");
  const auto ask = [&](const std::string& cookie, const FcgiParameters& more = {}) {
    auto parameters = wrapper.get(program, more);
    parameters.emplace_back("HTTP_COOKIE", cookie);
    return wrapper.ask(parameters);
  };
  BOOST_TEST(cookie_of(ask("")) != "");
  std::ofstream(wrapper.path("secret")) << "short\n";
  ::kill(wrapper.pid(), SIGHUP);
  // A year old: it would be set anew.
  const std::string ann(40, '0');
  const auto known = "manhattan=" + visitor::Signer({"short"}).sign(ann);
  BOOST_TEST(becomes_true([&] { return cookie_of(ask("")) == ""; }));
  const auto before = wrapper.records().size();
  BOOST_TEST(cookie_of(ask(known)) == "");
  BOOST_REQUIRE(wrapper.records().size() == before + 1);
  BOOST_TEST(has(wrapper.records().back(), ann));
  const auto pixel = ask(known, {{"REQUEST_URI", "/vpixel.gif"}});
  BOOST_TEST(cookie_of(pixel) == "");
  BOOST_TEST(pixel.status() == 200);
  const auto after = wrapper.records().size();
  BOOST_TEST(ask("").body() == "page\n");
  BOOST_TEST(ask("manhattan=" + visitor::Signer({"other"}).sign("bob")).body() == "page\n");
  BOOST_TEST(wrapper.records().size() == after);
  // One that is long enough signs, wherever it stands.
  std::ofstream(wrapper.path("secret")) << "short\nof sixteen bytes\nanother of sixteen\n";
  ::kill(wrapper.pid(), SIGHUP);
  BOOST_TEST(becomes_true([&] { return cookie_of(ask("")) != ""; }));
  const auto fresh = cookie_of(ask(known));
  BOOST_TEST(fresh == "manhattan=" + visitor::Signer({"of sixteen bytes"}).sign(ann));
}

BOOST_AUTO_TEST_CASE(sighup_takes_a_new_secret_and_keeps_the_old_where_it_is_bad) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("p", "");
  const auto old_cookie = cookie_of(wrapper.ask(wrapper.get(program)));
  const auto is_known = [&](const std::string& cookie) {
    return cookie_of(wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", cookie}}))) == "";
  };
  BOOST_TEST(is_known(old_cookie));
  std::ofstream(wrapper.path("secret")) << "";
  ::kill(wrapper.pid(), SIGHUP);
  BOOST_TEST(becomes_true([&] { return has(wrapper.messages(), "not reloaded"); }));
  BOOST_TEST(is_known(old_cookie));
  std::ofstream(wrapper.path("secret")) << "another secret of theirs\na secret of the tests\n";
  ::kill(wrapper.pid(), SIGHUP);
  BOOST_TEST(becomes_true([&] { return !is_known(old_cookie); }));  // known, but signed anew
  const auto resigned = cookie_of(wrapper.ask(wrapper.get(program, {{"HTTP_COOKIE", old_cookie}})));
  BOOST_TEST(visitor_of(resigned) == visitor_of(old_cookie));
  BOOST_TEST(is_known(resigned));
}
