// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE visitor
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "log/memory_log.h"
#include "tests/support/vectors.h"
#include "visitor/cookie.h"
#include "visitor/token.h"
#include "visitor/visitor.h"
#include "visitor/visitor_id.h"

using namespace manhattan;
using visitor::Signer;

namespace {

/// Of an id, what the time has no part in.
std::string random_part(std::string_view id) { return std::string(id.substr(16)); }

}  // namespace

BOOST_AUTO_TEST_CASE(populations_are_the_originals_bit_for_bit) {
  const auto original = tests::read_json("original.json");
  for (const auto& c : original["split"]) {
    const auto vid = c["vid"].get<std::string>(), test = c["test"].get<std::string>();
    const auto draw = std::stod(c["random"].get<std::string>());
    BOOST_TEST(visitor::population_draw(vid, test) == draw, c.dump());
    std::string chosen;
    if (c["populations"].is_null()) {
      chosen = visitor::choose_population(vid, test);
    } else if (c["populations"].is_array()) {
      chosen =
          visitor::choose_population(vid, test, c["populations"].get<std::vector<std::string>>());
    } else {
      std::vector<visitor::Weighted> weighted;
      for (const auto& [name, weight] : c["populations"].items())
        weighted.push_back({name, weight});
      chosen = visitor::choose_population(vid, test, weighted);
    }
    BOOST_TEST(chosen == c["selected"].get<std::string>(), c.dump());
  }
}

BOOST_AUTO_TEST_CASE(weights_that_choose_nobody_are_refused) {
  using visitor::Weighted;
  BOOST_CHECK_THROW(visitor::choose_population("v", "t", std::vector<Weighted>{}), ConfigError);
  BOOST_CHECK_THROW(visitor::choose_population("v", "t", std::vector<Weighted>{{"a", 0}}),
                    ConfigError);
  BOOST_CHECK_THROW(visitor::choose_population("v", "t", std::vector<Weighted>{{"a", -1}}),
                    ConfigError);
  BOOST_TEST(visitor::choose_population("v", "t", std::vector<Weighted>{{"a", -1}, {"b", 2}}) ==
             "b");
  BOOST_CHECK_THROW(visitor::choose_population("v", "t", std::vector<std::string>{}), ConfigError);
}

BOOST_AUTO_TEST_CASE(a_cookie_that_the_original_signed_is_known) {
  const auto original = tests::read_json("original.json");
  for (const auto& c : original["sign"]) {
    const Signer signer({c["secret"].get<std::string>()});
    const auto verified = signer.verify(c["signed"].get<std::string>());
    BOOST_REQUIRE(verified);
    BOOST_TEST(verified->visitor == c["value"].get<std::string>());
    BOOST_TEST(!verified->is_current);
  }
}

BOOST_AUTO_TEST_CASE(signatures_are_hmac_as_published) {
  // RFC 4231, test cases 2 and 6: a key shorter and one longer than a block.
  BOOST_TEST(Signer({"Jefe"}).sign("what do ya want for nothing?") ==
             "what do ya want for nothing?."
             "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string text = "Test Using Larger Than Block-Size Key - Hash Key First";
  BOOST_TEST(Signer({std::string(131, '\xaa')}).sign(text) ==
             text + ".60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

BOOST_AUTO_TEST_CASE(a_signature_is_known_again_and_no_other) {
  const Signer signer({"new", "old"});
  const auto cookie = signer.sign("abc");
  BOOST_TEST(signer.verify(cookie)->is_current);
  BOOST_TEST(!signer.verify(Signer({"old"}).sign("abc"))->is_current);
  BOOST_TEST(!Signer({"other"}).verify(cookie).has_value());
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    auto forged = cookie;
    forged[i] = forged[i] == '0' ? '1' : '0';
    BOOST_TEST(!signer.verify(forged).has_value(), forged);
    BOOST_TEST(!signer.verify(cookie.substr(0, i)).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_secret_file_is_private_and_has_secrets) {
  char folder[] = "/tmp/manhattan-visitor-XXXXXX";
  BOOST_REQUIRE(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/secret";
  BOOST_CHECK_THROW(Signer::from_file(path), ConfigError);
  std::ofstream(path) << "# rotated in May\n\na new secret of us\nold\n";
  chmod(path.c_str(), 0640);
  BOOST_TEST(Signer::from_file(path).verify(Signer({"old"}).sign("v")).has_value());
  BOOST_TEST(Signer::from_file(path).sign("v") == Signer({"a new secret of us"}).sign("v"));
  chmod(path.c_str(), 0644);
  BOOST_CHECK_THROW(Signer::from_file(path), ConfigError);
  std::ofstream(path) << "# none\n";
  chmod(path.c_str(), 0600);
  BOOST_CHECK_THROW(Signer::from_file(path), ConfigError);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(a_secret_that_is_too_short_signs_nothing_and_verifies) {
  using namespace std::chrono_literals;
  const auto signer_of = [](const std::vector<std::string>& secrets) {
    return Signer(secrets, Signer::kLeastBytes);
  };
  const std::string fifteen(15, 'a'), sixteen(16, 'b'), seventeen(17, 'c');
  BOOST_TEST(!signer_of({"x", fifteen}).can_sign());
  BOOST_TEST(signer_of({sixteen}).can_sign());
  BOOST_TEST(signer_of({"x", sixteen, seventeen}).sign("v") == Signer({sixteen}).sign("v"));
  const auto verified = signer_of({fifteen}).verify(Signer({fifteen}).sign("v"));
  BOOST_TEST(verified->visitor == "v");
  BOOST_TEST(!verified->is_current);
  BOOST_TEST(!signer_of({fifteen, sixteen}).verify(Signer({fifteen}).sign("v"))->is_current);
  BOOST_TEST(signer_of({fifteen, sixteen}).verify(Signer({sixteen}).sign("v"))->is_current);
  // Who has found it out makes no tokens, which may hold any record.
  const UnixNanos now(1'800'000'000s);
  const auto weak = signer_of({fifteen});
  BOOST_TEST(!visitor::read_token(weak, "v", make_token(Signer({fifteen}), "v", "a", now), now));
  BOOST_TEST(visitor::read_token(weak, "v", make_token(weak, "v", "a", now), now).value() == "a");
  BOOST_TEST(!visitor::read_token(signer_of({fifteen}), "v", make_token(weak, "v", "a", now), now));
}

BOOST_AUTO_TEST_CASE(a_visitors_records_reach_the_log_in_order_at_one_time) {
  MemoryLog log;
  Visitor visitor("abc", log, 3, Visitor::Buffering::until_flush);
  visitor.page(Page{.url = "http://x/"});
  visitor.goal(Goal{"bought", *Decimal::parse("9.5"), ValueType::sum, ValueFormat::currency});
  const auto population = visitor.split("Blue Button");
  BOOST_TEST(log.lines().empty());
  BOOST_TEST((visitor.flush() == Append::written));
  BOOST_REQUIRE(log.lines().size() == 3u);
  BOOST_TEST(log.lines()[0].starts_with("1\tpage\t"));
  BOOST_TEST(log.lines()[1].ends_with("\tabc\t3\tbought\t9.5\tS\tC\n"));
  BOOST_TEST(log.lines()[2].ends_with("\tabc\t3\tBlue Button\t" + population + "\n"));
}

BOOST_AUTO_TEST_CASE(new_visitors_are_forty_hexadecimal_characters) {
  const auto id = visitor::new_visitor_id();
  BOOST_TEST(id.size() == 40u);
  BOOST_TEST(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  BOOST_TEST(id != visitor::new_visitor_id());
}

BOOST_AUTO_TEST_CASE(a_token_is_its_visitors_and_has_an_end) {
  using namespace std::chrono_literals;
  const visitor::Signer signer({"new", "old"}), old_one({"old"}), other({"other"});
  const UnixNanos now(1'800'000'000s);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 37);
    const auto token = visitor::make_token(signer, "ann", text, now);
    BOOST_TEST(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_.") == token.npos);
    BOOST_TEST(visitor::read_token(signer, "ann", token, now + 15min).value() == text);
    BOOST_TEST(!visitor::read_token(signer, "ann", token, now + 16min));
    BOOST_TEST(!visitor::read_token(signer, "bob", token, now));
    BOOST_TEST(!visitor::read_token(other, "ann", token, now));
    for (std::size_t i = 0; i < token.size(); ++i) {
      auto changed = token;
      changed[i] = changed[i] == 'a' ? 'b' : 'a';
      BOOST_TEST(!visitor::read_token(signer, "ann", changed, now));
      BOOST_TEST(!visitor::read_token(signer, "ann", token.substr(0, i), now));
    }
  }
  const auto old_token = visitor::make_token(old_one, "ann", "text", now);
  BOOST_TEST(visitor::read_token(signer, "ann", old_token, now).value() == "text");
  BOOST_TEST(!signer.verify("ann." + signer.seal("ann")));  // no cookie
}

BOOST_AUTO_TEST_CASE(records_that_waited_are_recorded_with_the_time_of_another_request) {
  MemoryLog log;
  Visitor ahead("abc", log, 3, Visitor::Buffering::until_shown);
  ahead.page(Page{.url = "http://x/\t\n"});
  ahead.pixel();
  ahead.goal("bought");
  BOOST_TEST((ahead.flush() == Append::written));
  BOOST_TEST(log.lines().empty());
  const auto first = ahead.take_waiting(40), rest = ahead.take_waiting(1000);
  BOOST_TEST(!ahead.has_waiting());
  BOOST_TEST(std::count(first.begin(), first.end(), '\n') == 2);
  Visitor shown("abc", log, 3);
  shown.record_taken(first + rest);
  const auto taken = log.lines();
  shown.page(Page{.url = "http://x/\t\n"});
  shown.pixel();
  shown.goal("bought");
  const auto all = log.lines();
  BOOST_REQUIRE(all.size() == 6U);
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(all[i] == all[i + 3]);
}

BOOST_AUTO_TEST_CASE(an_id_tells_whether_it_is_new) {
  const auto now = base::SystemClock().now();
  const auto in = [&](int days) { return now + std::chrono::days(days); };
  const auto id = visitor::new_visitor_id();
  BOOST_TEST(visitor::is_new(id, now));
  BOOST_TEST(visitor::is_new(id, in(29)));
  for (const int days : {31, 365, 4000, 20000, -2, -1000}) {
    BOOST_TEST(!visitor::is_new(id, in(days)), days);
  }
  // Made elsewhere: by the original, or whatever a site had before.
  for (const auto* other : {"", "-", "v1", "0123456789abcdef0123456789abcdef0123zzzz",
                            "0123456789abcdef0123456789abcdef01234567"}) {
    BOOST_TEST(!visitor::is_new(other, UnixNanos(std::chrono::days(20786))), other);
  }
}

BOOST_AUTO_TEST_CASE(no_new_visitor_has_randomness_of_another) {
  std::set<std::string> known;
  for (int i = 0; i < 1000; ++i) {
    BOOST_TEST(known.insert(random_part(visitor::new_visitor_id())).second);
  }
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const auto child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    const auto id = visitor::new_visitor_id();
    ::_exit(::write(ends[1], id.data(), id.size()) == 40 ? 0 : 1);
  }
  char of_child[40];
  BOOST_TEST(::read(ends[0], of_child, sizeof of_child) == 40);
  BOOST_TEST(::waitpid(child, nullptr, 0) == child);
  known.insert(random_part({of_child, sizeof of_child}));
  BOOST_TEST(known.insert(random_part(visitor::new_visitor_id())).second);
}
