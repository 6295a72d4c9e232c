// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE http
#include <sys/resource.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>

#include "base/error.h"
#include "http/environment.h"
#include "http/head_parser.h"
#include "http/request.h"
#include "tests/support/answer_text.h"

namespace data = boost::unit_test::data;
using namespace manhattan;
using namespace manhattan::http;
using namespace std::string_literals;

namespace {

// ---- The head of an answer

struct HeadCase {
  const char* says;
  std::string written;
  int status;        ///< 0: refused
  std::string sent;  ///< head as passed on; refused: part of the reason
  std::string body = "";
};
std::ostream& operator<<(std::ostream& out, const HeadCase& c) { return out << c.says; }

std::string many_headers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "X-" + std::to_string(i) + ": y\n";
  return text;
}

const std::string kPlain = "Content-Type: text/plain\r\n\r\n";

const HeadCase kHeads[] = {
    {"CRLF ends lines", "Content-Type: text/plain\r\n\r\nbody", 200, kPlain, "body"},
    {"LF ends lines", "Content-Type: text/plain\n\nbody", 200, kPlain, "body"},
    {"both may be mixed", "Content-Type: text/plain\nA: b\r\n\nbody", 200,
     "Content-Type: text/plain\r\nA: b\r\n\r\n", "body"},
    {"LF then CRLF ends the head", "Content-Type: text/plain\n\r\nbody", 200, kPlain, "body"},
    {"a lone CR is refused", "Content-Type: text/plain\rA: b\n\nbody", 0, "control"},
    {"text without a header is refused", "hello\n\nworld\n\n", 0, "no header"},
    {"a leading blank line is skipped", "\nContent-Type: text/plain\n\nbody", 200, kPlain, "body"},
    {"leading CRLFs are skipped", "\r\n\r\nContent-Type: text/plain\r\n\r\nb", 200, kPlain, "b"},
    {"a line without a colon is dropped", "Content-Type: text/plain\noops\n\nbody", 200, kPlain,
     "body"},
    {"a spam comment is dropped", "<!--: spam\nContent-Type: text/plain\n\nbody", 200, kPlain,
     "body"},
    {"a status may lack its reason", "Status: 404\n\n", 404, "Status: 404\r\n\r\n"},
    {"its own reason is kept", "Status: 404 Gone Fishing\nA: b\n\n", 404,
     "Status: 404 Gone Fishing\r\nA: b\r\n\r\n"},
    {"a status of letters is refused", "Status: abc\n\n", 0, "status"},
    {"a status of four digits is refused", "Status: 1000\n\n", 0, "status"},
    {"a status of two digits is refused", "Status: 20\n\n", 0, "status"},
    {"an empty status is refused", "Status:\n\n", 0, "status"},
    {"a status of five digits is refused", "Status: 40404 No\n\n", 0, "status"},
    {"a status in quotes is refused", "Status: \"404\"\n\n", 0, "status"},
    {"a status below 100 is refused", "Status: 099 Low\n\n", 0, "status"},
    {"a signed status is refused", "Status: +404\n\n", 0, "status"},
    {"a version without a status is refused", "Status: HTTP/1.1\n\n", 0, "status"},
    {"a colon behind the status is none of the reason's", "Status: 404: Not Found\n\n", 404,
     "Status: 404 Not Found\r\n\r\n"},
    {"a reason may follow at once", "Status: 200OK\n\n", 200, "Status: 200 OK\r\n\r\n"},
    {"behind a tab", "Status: 404\tNot Found\n\n", 404, "Status: 404 Not Found\r\n\r\n"},
    {"behind a semicolon", "Status: 404; gone\n\n", 404, "Status: 404 gone\r\n\r\n"},
    {"behind a dash", "Status: 404-gone\n\n", 404, "Status: 404 gone\r\n\r\n"},
    {"or beyond ASCII", "Status: 404\xc3\xa9\n\n", 404, "Status: 404 \xc3\xa9\r\n\r\n"},
    {"a status may end in a colon", "Status: 404:\n\n", 404, "Status: 404\r\n\r\n"},
    {"in a blank", "Status: 404 \n\n", 404, "Status: 404\r\n\r\n"},
    {"and stand at the colon", "Status:404\n\n", 404, "Status: 404\r\n\r\n"},
    {"a status may be the line of HTTP", "Status: HTTP/1.0 404 No\n\n", 404,
     "Status: 404 No\r\n\r\n"},
    {"a sloppy one in HTTP's own line counts, too", "HTTP/1.0 404: No\nA: b\n\n", 404,
     "Status: 404 No\r\nA: b\r\n\r\n"},
    {"of two statuses the first holds", "Status: 201 A\nStatus: 500 B\n\n", 201,
     "Status: 201 A\r\n\r\n"},
    {"a location redirects", "Location: http://x/\n\n", 302,
     "Status: 302 Found\r\nLocation: http://x/\r\n\r\n"},
    {"a local one, too", "Location: /y\n\n", 302, "Status: 302 Found\r\nLocation: /y\r\n\r\n"},
    {"a status goes before it", "Location: /y\nStatus: 201 Made\n\n", 201,
     "Status: 201 Made\r\nLocation: /y\r\n\r\n"},
    {"of two content types the first holds",
     "Content-Type: text/plain\ncontent-type: text/html\n\n", 200, kPlain},
    {"an interim answer is dropped", "Status: 103 Early\nLink: x\n\nContent-Type: text/plain\n\nb",
     200, kPlain, "b"},
    {"a header of 60 KB passes", "A: " + std::string(60'000, 'x') + "\n\n", 200,
     "A: " + std::string(60'000, 'x') + "\r\n\r\n"},
    {"one of 1 MB is refused", "A: " + std::string(1'000'000, 'x') + "\n\n", 0, "64 KiB"},
    {"headers keep their order", many_headers(3) + "\n", 200, "X-0: y\r\nX-1: y\r\nX-2: y\r\n\r\n"},
    {"2,000 headers are refused", many_headers(2000) + "\n", 0, "1000 lines"},
    {"a NUL is refused", "A: b\0c\n\n"s, 0, "control"},
    {"a control character is refused", "A: b\x01\n\n", 0, "control"},
    {"a DEL is refused", "A: b\x7f\n\n", 0, "control"},
    {"a tab passes", "A: b\tc\n\n", 200, "A: b\tc\r\n\r\n"},
    {"bytes that are not UTF-8 pass", "A: b\xff\xc3\n\n", 200, "A: b\xff\xc3\r\n\r\n"},
    {"a folded line is unfolded", "A: b\n  c\n\td\nE: f\n\n", 200, "A: b c d\r\nE: f\r\n\r\n"},
    {"a blank before the colon is refused", "Name : x\n\n", 0, "colon"},
    {"two cookies stay two", "Set-Cookie: a=1\nSet-Cookie: b=2\n\n", 200,
     "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"},
    {"what belongs to the hop goes",
     "Connection: close\nKeep-Alive: 5\nTransfer-Encoding: chunked\nA: b\n\n", 200, "A: b\r\n\r\n"},
    {"an NPH status line counts", "HTTP/1.1 201 Made\r\nA: b\r\n\r\nbody", 201,
     "Status: 201 Made\r\nA: b\r\n\r\n", "body"},
    {"X-Accel-Redirect passes", "X-Accel-Redirect: /z\n\n", 200, "X-Accel-Redirect: /z\r\n\r\n"},
    {"so does X-Sendfile", "X-Sendfile: /z\nA: b\n\n", 200, "X-Sendfile: /z\r\nA: b\r\n\r\n"},
    {"and lighttpd's name for it", "X-LIGHTTPD-send-file: /z\n\n", 200,
     "X-LIGHTTPD-send-file: /z\r\n\r\n"},
    {"the body keeps its blank lines", "A: b\n\n\n\nbody\n", 200, "A: b\r\n\r\n", "\n\nbody\n"},
};

struct Parsed {
  HeadParser::Progress progress = HeadParser::Progress::needs_more;
  std::string body;
};

Parsed parse_in_pieces(HeadParser& parser, std::string_view text, std::size_t size) {
  Parsed parsed;
  while (!text.empty()) {
    const auto piece = text.substr(0, size);
    text.remove_prefix(piece.size());
    if (parsed.progress == HeadParser::Progress::complete) {
      parsed.body += piece;
      continue;
    }
    parsed.progress = parser.feed(piece);
    if (parsed.progress == HeadParser::Progress::refused) break;
    if (parsed.progress == HeadParser::Progress::complete) parsed.body += parser.rest();
  }
  return parsed;
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(HeadParser::Progress)

BOOST_DATA_TEST_CASE(a_head_is_read_wherever_it_is_cut, data::make(kHeads), c) {
  for (const std::size_t size :
       {std::size_t(1), std::size_t(2), std::size_t(3), std::size_t(7), c.written.size()}) {
    if (size < 3 && c.written.size() > 500'000) continue;
    HeadParser parser;
    const auto parsed = parse_in_pieces(parser, c.written, size);
    if (c.status == 0) {
      BOOST_REQUIRE(parsed.progress == HeadParser::Progress::refused);
      BOOST_TEST(parser.why().find(c.sent) != std::string::npos, parser.why());
      continue;
    }
    BOOST_REQUIRE(parsed.progress == HeadParser::Progress::complete);
    BOOST_TEST(parser.head().status == c.status);
    BOOST_TEST(tests::text_of(parser.head()) == c.sent);
    BOOST_TEST(parsed.body == c.body);
  }
}

BOOST_AUTO_TEST_CASE(a_head_that_never_ends_is_refused_at_its_limit) {
  HeadParser parser;
  auto progress = HeadParser::Progress::needs_more;
  int fed = 0;
  for (; progress == HeadParser::Progress::needs_more && fed < 1000; ++fed) {
    progress = parser.feed(std::string(1024, 'x'));
  }
  BOOST_TEST(progress == HeadParser::Progress::refused);
  BOOST_TEST(fed == 65);
}

BOOST_AUTO_TEST_CASE(remarks_tell_each_oddity_once) {
  HeadParser parser;
  BOOST_TEST(parser.feed("junk\nmore junk\nStatus: 200\nStatus: 201\nA: b\n\n") ==
             HeadParser::Progress::complete);
  BOOST_TEST(parser.remarks().size() == 2U);
}

// ---- Requests

BOOST_AUTO_TEST_CASE(an_environment_finds_what_it_has_and_no_more) {
  Environment environment;
  const auto name = [](int i) {
    return std::string(1 + i % 7, 'A') + std::to_string(i * 37 % 400);
  };
  for (int i = 0; i < 400; ++i) environment.set(name(i), std::to_string(i));
  for (int i = 0; i < 400; i += 3) environment.remove(name(i));
  for (int i = 1; i < 400; i += 3) environment.set(name(i), "again");
  for (int i = 0; i < 400; ++i) {
    BOOST_TEST(environment.has(name(i)) == (i % 3 != 0));
    BOOST_TEST(environment.get(name(i)) == (i % 3 == 0   ? ""
                                            : i % 3 == 1 ? "again"
                                                         : std::to_string(i)));
  }
  BOOST_TEST(!environment.has("B"));
  BOOST_TEST(!environment.has(""));
}

BOOST_AUTO_TEST_CASE(a_borrowed_variable_is_as_one_that_was_added) {
  char first[] = "HTTP_X=a", second[] = "HTTP_X=b", plain[] = "A=1", evil[] = "HTTP_PROXY=evil",
       none[] = "none", empty[] = "=x", last[] = "B=2";
  char* const block[] = {first, second, plain, evil, none, empty, nullptr};
  char* const more[] = {second, last, nullptr};
  Environment environment;
  environment.borrow(nullptr);
  environment.borrow(block);
  BOOST_TEST(environment.get("HTTP_X") == "a, b");
  BOOST_TEST(environment.get("A").data() == plain + 2);
  BOOST_TEST(environment.block().size() == 3U);
  environment.borrow(more);
  BOOST_TEST(environment.get("HTTP_X") == "a, b, b");
  BOOST_TEST(environment.get("B").data() == last + 2);
  environment.set("C", "3");
  BOOST_TEST(environment.get("C") == "3");
  BOOST_TEST(environment.block().size() == 5U);
}

BOOST_AUTO_TEST_CASE(a_header_that_comes_thousands_of_times_takes_little_memory) {
  const auto peak_kib = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before = peak_kib();
  Environment environment;
  for (int i = 0; i < 5000; ++i) {
    environment.add("HTTP_X", std::string(100, 'x'));
    environment.add("HTTP_COOKIE", std::string(100, 'c'));
  }
  BOOST_TEST(environment.get("HTTP_X").size() == 5000U * 102 - 2);
  BOOST_TEST(environment.get("HTTP_COOKIE").ends_with("ccc; " + std::string(100, 'c')));
  BOOST_TEST(peak_kib() - before < 64 * 1024);
}

BOOST_AUTO_TEST_CASE(an_environment_holds_each_name_once) {
  Environment environment;
  for (const auto* text : {"A=1", "A=2", "HTTP_X=a", "HTTP_X=b", "HTTP_COOKIE=c=1",
                           "HTTP_COOKIE=d=2", "HTTP_PROXY=evil", "LD_PRELOAD=evil", "=x", "no"}) {
    environment.add(text);
  }
  BOOST_TEST(environment.get("A") == "2");
  BOOST_TEST(environment.get("HTTP_X") == "a, b");
  BOOST_TEST(environment.get("HTTP_COOKIE") == "c=1; d=2");
  BOOST_TEST(!environment.has("HTTP_PROXY"));
  BOOST_TEST(!environment.has("LD_PRELOAD"));
  BOOST_TEST(environment.block().size() == 4U);
  environment.add("B\0C"s, "x");
  environment.add("B", "x\0y"s);
  BOOST_TEST(environment.get("B") == "x");
  environment.remove("A");
  BOOST_TEST(!environment.has("A"));
}

namespace {

/// A block as in environ(7), of texts that outlive it.
std::vector<char*> block_of(std::initializer_list<const char*> variables) {
  std::vector<char*> block;
  for (const auto* variable : variables) block.push_back(const_cast<char*>(variable));
  block.push_back(nullptr);
  return block;
}

/// The request of some variables, which is the same whichever way it is read.
struct Asked : Environment, Request {
  Asked(std::initializer_list<const char*> variables, const TrustedProxies& proxies) {
    for (const auto* variable : variables) add(variable);
    static_cast<Request&>(*this) = make_request(*this, proxies);
    BOOST_TEST((make_request(block_of(variables).data(), proxies) == *this));
  }
};

Asked request_of(std::initializer_list<const char*> variables, const TrustedProxies& proxies) {
  return {variables, proxies};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_request_knows_its_url_and_host) {
  const auto request = request_of({"REQUEST_METHOD=GET", "HTTP_HOST=Shop.Example.COM:8080",
                                   "REQUEST_URI=/a%20b?c=d", "HTTPS=on", "REMOTE_ADDR=1.2.3.4"},
                                  {});
  BOOST_TEST(request.url == "https://Shop.Example.COM:8080/a%20b?c=d");
  BOOST_TEST(request.path() == "/a%20b");
  BOOST_TEST(request.host == "shop.example.com");
  BOOST_TEST(request.is_page());
  BOOST_TEST(request_of({"HTTP_HOST=[::1]:80"}, {}).host == "[::1]");
  BOOST_TEST(
      request_of({"SERVER_NAME=s", "SCRIPT_NAME=/x", "PATH_INFO=/y", "QUERY_STRING=z"}, {}).url ==
      "http://s/x/y?z");
}

BOOST_AUTO_TEST_CASE(each_variable_of_a_request_has_its_place) {
  const TrustedProxies proxies({"10.0.0.0/8"});
  const auto request = request_of(
      {"REQUEST_METHOD=POST", "REQUEST_SCHEME=https", "REQUEST_URI=/a?b=c=d", "SERVER_NAME=server",
       "HTTP_HOST=host", "REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR=192.0.2.1",
       "HTTP_USER_AGENT=agent", "HTTP_REFERER=from", "HTTP_COOKIE=a=b", "HTTPS_=off", "none", "="},
      proxies);
  BOOST_TEST(request.method == "POST");
  BOOST_TEST(request.url == "https://host/a?b=c=d");
  BOOST_TEST(request.client == "192.0.2.1");
  BOOST_TEST(request.user_agent == "agent");
  BOOST_TEST(request.referrer == "from");
  BOOST_TEST(request.cookies == "a=b");
  BOOST_TEST(request_of({"HTTP_HOST=h", "REQUEST_URI=/", "REMOTE_ADDR=10.0.0.1",
                         "HTTP_X_FORWARDED_PROTO=https"},
                        proxies)
                 .is_secure);
}

BOOST_AUTO_TEST_CASE(a_variable_that_comes_twice_is_left_to_an_environment) {
  const auto twice = block_of({"HTTP_COOKIE=a=b", "REQUEST_METHOD=GET", "HTTP_COOKIE=c=d"});
  BOOST_TEST(!make_request(twice.data(), {}).has_value());
  const auto empty = block_of({"QUERY_STRING=", "QUERY_STRING="});
  BOOST_TEST(!make_request(empty.data(), {}).has_value());
  const auto others = block_of({"HTTP_X=a", "HTTP_X=b", "REQUEST_METHOD=GET"});
  BOOST_REQUIRE(make_request(others.data(), {}).has_value());
  BOOST_TEST(make_request(others.data(), {})->method == "GET");
}

BOOST_AUTO_TEST_CASE(two_spellings_of_a_proxys_header_are_believed_from_no_lighttpd) {
  const TrustedProxies proxies({"10.0.0.0/8"});
  const auto client = [&](const char* server, const char* second) {
    Environment environment;
    for (const char* text :
         {server, "REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR=192.0.2.1", second})
      environment.add(text);
    return std::string(make_request(environment, proxies).client);
  };
  const auto* const twice = "HTTP_X_FORWARDED_FOR=192.0.2.2";
  BOOST_TEST(client("SERVER_SOFTWARE=lighttpd/1.4.69", twice) == "10.0.0.1");
  BOOST_TEST(client("SERVER_SOFTWARE=lighttpd/1.4.69", "A=b") == "192.0.2.1");
  BOOST_TEST(client("SERVER_SOFTWARE=nginx/1.22.1", twice) ==
             "192.0.2.2");  // two lines of one name
}

BOOST_DATA_TEST_CASE(what_is_fetched_ahead_says_so,
                     data::make({"HTTP_X_PURPOSE=preview", "HTTP_PURPOSE=prefetch",
                                 "HTTP_SEC_PURPOSE=prefetch;prerender", "HTTP_X_MOZ=prefetch"}),
                     purpose) {
  const auto request = request_of({"REQUEST_METHOD=GET", purpose}, {});
  BOOST_TEST(request.is_prefetch);
  BOOST_TEST(request.is_prerender == (std::string(purpose).find("prerender") != std::string::npos));
}

namespace {

struct ClientCase {
  const char* peer;
  const char* forwarded;
  const char* client;
};
std::ostream& operator<<(std::ostream& out, const ClientCase& c) {
  return out << c.peer << " for " << c.forwarded;
}

const ClientCase kClients[] = {
    {"9.9.9.9", "1.1.1.1", "9.9.9.9"},
    {"10.1.2.3", "1.1.1.1", "1.1.1.1"},
    {"10.1.2.3", "6.6.6.6, 1.1.1.1", "1.1.1.1"},
    {"10.1.2.3", "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"},
    {"10.1.2.3", "", "10.1.2.3"},
    {"10.1.2.3", "unknown", "10.1.2.3"},
    {"10.1.2.3", "1.1.1.1, unknown", "10.1.2.3"},
    {"fd00::5", "2001:db8::1", "2001:db8::1"},
    {"::ffff:10.1.2.3", "1.1.1.1", "1.1.1.1"},
    {"10.1.2.3", "[2001:db8::1]:443", "2001:db8::1"},
    {"10.1.2.3", "1.1.1.1:5", "1.1.1.1"},
    {"unix:", "1.1.1.1", "1.1.1.1"},
};

}  // namespace

BOOST_DATA_TEST_CASE(the_client_is_the_last_that_no_proxy_is, data::make(kClients), c) {
  const TrustedProxies proxies({"10.0.0.0/8", "fd00::/8", "unix:"});
  BOOST_TEST(proxies.client_of(c.peer, c.forwarded) == c.client);
}

BOOST_DATA_TEST_CASE(a_malformed_network_is_named,
                     data::make({"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1",
                                 "example.com", "::/129"}),
                     text) {
  BOOST_CHECK_EXCEPTION(TrustedProxies({text}), ConfigError, [&](const ConfigError& error) {
    return std::string(error.what()).find("'"s + text + "'") == 0;
  });
}
