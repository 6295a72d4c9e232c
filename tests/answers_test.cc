// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE answers
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <map>

#include "backend/answers.h"
#include "bin/methods.h"
#include "record/text_codec.h"
#include "tests/support/databases.h"

using namespace manhattan;
using backend::Answers;
using backend::Cell;
using backend::GoalValue;
using backend::Variant;
using nlohmann::json;
using query::Request;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
Decimal decimal(const char* text) { return Decimal::parse(text).value(); }
UnixNanos at(std::int64_t nanos) { return UnixNanos(std::chrono::nanoseconds(nanos)); }

/// Writes flushes by name instead of number.
class Ledger {
 public:
  explicit Ledger(const store::Location& place) : store_(place.open()) {}

  count::NameId id(const std::string& name) {
    if (name.empty()) return 0;
    const auto [found, is_new] = ids_.emplace(name, ids_.size() + 1);
    if (is_new) flush_.names.emplace_back(found->second, name);
    return found->second;
  }
  void add(const store::CounterQuery& key, const std::string& bucket, std::int64_t count,
           const char* value = "0") {
    flush_.counters.push_back(
        {{id(key.goal), id(key.split), id(key.population), id(key.rollup), id(bucket), key.site},
         {count, decimal(value)}});
  }
  void goal(const std::string& name, char type, char format) {
    flush_.goals.push_back({id(name), type, format});
  }
  void split(const std::string& name, UnixNanos first, UnixNanos last) {
    flush_.splits.push_back({id(name), first, last});
  }
  void tally(const std::string& name, std::int64_t count) {
    flush_.tallies.push_back({name, count});
  }
  void commit() {
    const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::sort(flush_.counters.begin(), flush_.counters.end(), by_key);
    ++flush_.number;
    flush_.pointer = "/log.0:" + std::to_string(flush_.number);
    store_->commit(flush_);
    const auto number = flush_.number;
    flush_ = {};
    flush_.number = number;
  }

 private:
  std::unique_ptr<store::Store> store_;
  std::map<std::string, count::NameId> ids_;
  count::Flush flush_;
};

/// A small shop: 100 visitors of site 1, 50 of them on two days, a split of two populations.
struct Shop {
  store::Location place = tests::new_place(tests::Database::sqlite);
  std::unique_ptr<Answers> answers;

  Shop() {
    Ledger ledger(place);
    ledger.goal("viewed page", 0, 0);
    const std::pair<const char*, char> goals[] = {
        {"sale", 'S'}, {"basket", 'A'}, {"per visit", 'I'}, {"rate", 'R'}, {"plain", 0}};
    for (const std::int32_t site : {count::kAllSites, 1}) {
      ledger.add({.goal = "viewed page", .site = site}, "0", 100);
      ledger.add({.goal = "viewed page", .rollup = "day", .site = site}, "2026-11-20", 40);
      ledger.add({.goal = "viewed page", .rollup = "day", .site = site}, "2026-11-21", 80);
      add_split(ledger, site);
      for (const auto& [goal, type] : goals) {
        ledger.add({.goal = goal, .site = site}, "0", 8, "1234567.89");
        ledger.add({.goal = goal, .rollup = "day", .site = site}, "2026-11-20", 3, "1000000.01");
        ledger.add({.goal = goal, .rollup = "day", .site = site}, "2026-11-21", 5, "234567.88");
        add_variant(ledger, goal, "blue", 4, "10", site);
        add_variant(ledger, goal, "red", 0, "0", site);
      }
    }
    for (const auto& [goal, type] : goals) ledger.goal(goal, type, 'C');
    ledger.split("button", at(1000 * kSecond - 1), at(2000 * kSecond + 5));
    ledger.split("older", at(500 * kSecond), at(600 * kSecond));
    ledger.tally("visitor_seen", 130);
    ledger.tally("visitor_human", 100);
    ledger.commit();
    answers = std::make_unique<Answers>(place.open_reader());
  }
  static void add_split(Ledger& ledger, std::int32_t site) {
    ledger.add({.split = "button", .population = "blue", .site = site}, "0", 40);
    ledger.add({.split = "button", .population = "red", .site = site}, "0", 60);
    add_variant(ledger, "viewed page", "blue", 30, "0", site);
    add_variant(ledger, "viewed page", "red", 50, "0", site);
  }
  static void add_variant(Ledger& ledger, const std::string& goal, const std::string& population,
                          std::int64_t count, const char* value, std::int32_t site) {
    ledger.add({.goal = goal, .split = "button", .population = population, .site = site}, "0",
               count, value);
  }
  json ask(const std::string& method, json arguments = json::array(),
           json named = json::object()) const {
    return program::answer(*answers, {method, std::move(arguments), std::move(named)});
  }
  std::string refusal(const std::string& method, json arguments,
                      json named = json::object()) const {
    try {
      ask(method, std::move(arguments), std::move(named));
    } catch (const query::Refusal& refused) {
      return refused.what();
    }
    return "";
  }
};

struct ValueCase {
  const char* says;
  const char* goal;
  Cell cell;
  const char* exact;
  double value;
};
std::ostream& operator<<(std::ostream& out, const ValueCase& c) { return out << c.says; }

const Cell kDay{.rollup = "day", .bucket = "2026-11-20"};
const Cell kBlue{.variant = Variant{"button", "blue"}};
const Cell kRed{.variant = Variant{"button", "red"}};
const ValueCase kValues[] = {
    {"S is the sum, to the last digit", "sale", {}, "1234567.89", 1234567.89},
    {"A divides by those who converted", "basket", {}, "154320.98625", 154320.98625},
    {"I divides by those who viewed a page", "per visit", {}, "12345.6789", 12345.6789},
    {"R is converted by viewed", "rate", {}, "0.08", 0.08},
    {"a goal of no type is its count", "plain", {}, "8", 8},
    {"S of one day", "sale", kDay, "1000000.01", 1000000.01},
    {"A of one day", "basket", kDay, "333333.336666667", 1000000.01 / 3},
    {"I divides by that day's viewers", "per visit", kDay, "25000.00025", 25000.00025},
    {"R of one day", "rate", kDay, "0.075", 0.075},
    {"I of a variant divides by the variant's viewers", "per visit", kBlue, "0.333333333",
     10.0 / 30},
    {"R of a variant", "rate", kBlue, "0.133333333", 4.0 / 30},
    {"A of a variant", "basket", kBlue, "2.5", 2.5},
    {"nobody converted: an average of 0", "basket", kRed, "0", 0},
    {"nobody viewed: 0", "rate", {.rollup = "day", .bucket = "2026-11-22"}, "0", 0},
    {"a site that nobody visited", "basket", {.site = 7}, "0", 0},
    {"an unknown goal", "no such goal", {}, "0", 0},
};

}  // namespace

BOOST_DATA_TEST_CASE(value_of_a_goal, boost::unit_test::data::make(kValues), c) {
  const Shop shop;
  const auto result = shop.answers->goal_value(c.goal, c.cell);
  BOOST_TEST(result.value.to_decimal().to_string() == c.exact);
  BOOST_TEST(result.value.to_double() == c.value, boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(quotients_round_half_to_even) {
  const auto quotient = [](const char* numerator, std::int64_t denominator) {
    return GoalValue{decimal(numerator), denominator}.to_decimal().to_string();
  };
  BOOST_TEST(quotient("1", 3) == "0.333333333");
  BOOST_TEST(quotient("2", 3) == "0.666666667");
  BOOST_TEST(quotient("-2", 3) == "-0.666666667");
  BOOST_TEST(quotient("0.000000001", 2) == "0");
  BOOST_TEST(quotient("0.000000003", 2) == "0.000000002");
  BOOST_TEST(quotient("-0.000000005", 2) == "-0.000000002");
  BOOST_TEST(quotient("1234567890123456789012345678", 1) == "1234567890123456789012345678");
  BOOST_TEST(quotient("5", 0) == "0");
}

BOOST_FIXTURE_TEST_CASE(visitors_are_counted_by_goal_variant_or_both, Shop) {
  BOOST_TEST(answers->count("sale", {}) == 8);
  BOOST_TEST(answers->count("", kBlue) == 40);
  BOOST_TEST(answers->count("sale", kBlue) == 4);
  BOOST_TEST(answers->count("sale", kDay) == 3);
  BOOST_TEST(answers->count("sale", {.site = 1}) == 8);
  BOOST_TEST(answers->count("sale", {.site = 2}) == 0);
  BOOST_TEST(answers->count("sale", {.rollup = "no such rollup"}) == 0);
  BOOST_TEST(answers->count("sale", {.variant = Variant{"button", "green"}}) == 0);
  BOOST_TEST(answers->count(std::string(2000, 'x'), {}) == 0);
  BOOST_CHECK_THROW(answers->count("", {}), ConfigError);
}

BOOST_AUTO_TEST_CASE(a_name_cut_when_it_was_counted_is_found_by_its_whole_length) {
  const auto place = tests::new_place(tests::Database::sqlite);
  std::string storage;
  const std::string whole(1500, 'n');
  Ledger ledger(place);
  ledger.add({.goal = std::string(record::fit_name(whole, storage))}, "0", 3);
  ledger.commit();
  BOOST_TEST(Answers(place.open_reader()).count(whole, {}) == 3);
}

BOOST_FIXTURE_TEST_CASE(results_hold_each_population_once, Shop) {
  const auto split = answers->results("button", {"sale", "rate"}, count::kAllSites);
  BOOST_REQUIRE(split.populations.size() == 2u);
  const auto& blue = split.populations[0];
  BOOST_TEST(blue.population == "blue");
  BOOST_TEST(blue.visitors == 40);
  BOOST_REQUIRE(blue.goals.size() == 2u);
  BOOST_TEST(blue.goals[0].conversions == 4);
  BOOST_TEST(blue.goals[0].sum.to_string() == "10");
  BOOST_TEST(blue.goals[1].value_type == 'R');
  BOOST_TEST(split.populations[1].population == "red");
  BOOST_TEST(split.visitors_without_pixel == 30);
  BOOST_TEST(answers->results("no such split", {"sale"}, count::kAllSites).populations.empty());
  BOOST_TEST(answers->results("button", {}, 9).populations.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_series_divides_each_bucket_by_its_own_viewers, Shop) {
  const auto points = answers->series("per visit", kDay, "", "", 100);
  BOOST_REQUIRE(points.size() == 2u);
  BOOST_TEST(points[0].bucket == "2026-11-20");
  BOOST_TEST(points[0].count == 3);
  BOOST_TEST(points[0].sum.to_string() == "1000000.01");
  BOOST_TEST(points[0].value.to_decimal().to_string() == "25000.00025");
  BOOST_TEST(points[1].value.to_decimal().to_string() == "2932.0985");
  BOOST_TEST(answers->series("sale", kDay, "2026-11-21", "", 100).size() == 1u);
  BOOST_TEST(answers->series("sale", kDay, "", "2026-11-20", 100).size() == 1u);
  BOOST_TEST(answers->series("", kBlue, "", "", 100)[0].count == 40);
  BOOST_TEST(answers->series("per visit", kDay, "", "", 1).size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(the_largest_buckets_come_first, Shop) {
  const auto points = answers->largest("per visit", kDay, 1);
  BOOST_REQUIRE(points.size() == 1u);
  BOOST_TEST(points[0].bucket == "2026-11-21");
  BOOST_TEST(points[0].value.to_decimal().to_string() == "2932.0985");
}

BOOST_AUTO_TEST_CASE(an_answer_is_of_one_state_while_another_writes) {
  const auto place = tests::new_place(tests::Database::sqlite);
  Ledger ledger(place);
  const auto flush = [&] {
    ledger.add({.goal = "a"}, "0", 1, "1");
    ledger.add({.goal = "viewed page"}, "0", 1);
    ledger.goal("a", 'I', 'N');
    ledger.commit();
  };
  flush();
  Answers answers(place.open_reader());
  for (int i = 0; i < 50; ++i) {
    BOOST_TEST(answers.goal_value("a", {}).value.to_decimal().to_string() == "1");
    flush();
  }
  BOOST_TEST(answers.count("a", {}) == 51);  // and the next one sees what was committed
}

BOOST_AUTO_TEST_CASE(a_series_of_more_buckets_than_an_answer_holds_is_refused) {
  const auto place = tests::new_place(tests::Database::sqlite);
  Ledger ledger(place);
  ledger.goal("sale", 0, 0);
  for (int i = 0; i <= 100'000; ++i)
    ledger.add({.goal = "sale", .rollup = "path"}, std::to_string(i), 1);
  ledger.commit();
  Answers answers(place.open_reader());
  const auto ask = [&](json named) {
    named.update({{"goal", "sale"}, {"rollup_key", "path"}});
    return program::answer(answers, {"series", json::array(), std::move(named)});
  };
  BOOST_CHECK_EXCEPTION(ask(json::object()), query::Refusal, [](const query::Refusal& refused) {
    return std::string(refused.what()).find("more than 100000 buckets") != std::string::npos;
  });
  BOOST_TEST(ask({{"first", "1"}, {"last", "100"}}).size() == 3u);
}

BOOST_FIXTURE_TEST_CASE(the_wire_takes_arguments_as_the_original_did, Shop) {
  const json blue = {"button", "blue"};
  BOOST_TEST(ask("count", {"sale"}) == 8);
  BOOST_TEST(ask("count", {"sale", nullptr, "day", "2026-11-20"}) == 3);
  BOOST_TEST(ask("count", json::array(), {{"goal", "sale"}, {"variant", blue}}) == 4);
  BOOST_TEST(ask("count", {nullptr, blue}) == 40);
  BOOST_TEST(ask("count", {"sale", nullptr, "all", 0, 1}) == 8);
  BOOST_TEST(ask("count", {"sale"}, {{"bucket_id", "0"}}) == 8);
  BOOST_TEST(ask("goal_value", {"sale"}) == 1234567.89);
  BOOST_TEST(ask("goal_value", {"sale"}, {{"exact", true}}) == "1234567.89");
  BOOST_TEST(ask("goal_value", {"plain"}).is_number_integer());
  BOOST_TEST(ask("all_tests") == (json{{"button", 999, 2000}, {"older", 500, 600}}));
  BOOST_TEST(ask("results", {"button", {"plain", "sale"}}) ==
             (json{{"blue", {4, 10.0}}, {"red", {0, 0.0}}}));
  BOOST_TEST(ask("results", {"no such split", {"sale"}}) == json::object());
  BOOST_TEST(ask("get_pointer") == "/log.0:1");
}

BOOST_FIXTURE_TEST_CASE(the_wire_answers_more_than_the_original, Shop) {
  BOOST_TEST(ask("all_goals").size() == 6u);
  BOOST_TEST(ask("all_goals")[0] == (json{"basket", "A", "C"}));
  const auto split = ask("split_results", {"button", {"sale"}});
  BOOST_TEST(split["left_out"]["visitor_without_pixel"] == 30);
  BOOST_TEST(split["first"] == 999);
  BOOST_TEST(split["last"] == 2000);
  BOOST_TEST(split["multi"] == 0);
  const auto per_visit = ask("split_results", {"button", {"per visit"}});
  BOOST_TEST(per_visit["populations"][0]["goals"][0]["sessions"] == 30);
  BOOST_TEST(split["populations"][0] == (json{{"population", "blue"},
                                              {"visitors", 40},
                                              {"goals",
                                               {{{"goal", "sale"},
                                                 {"value_type", "S"},
                                                 {"conversions", 4},
                                                 {"squares", "0"},
                                                 {"sum", "10"},
                                                 {"value", "10"}}}}}));
  BOOST_TEST(ask("series", {"sale", nullptr, "day", "2026-11-21"}) ==
             (json{{"2026-11-21", 5, "234567.88", "234567.88"}}));
}

BOOST_FIXTURE_TEST_CASE(status_joins_what_the_server_knows_to_what_the_store_keeps, Shop) {
  const auto live = [] {
    return program::Live{.tallies = {{"seconds_behind", 2}}, .rollups = {{"day", "day:UTC"}}};
  };
  const auto status = program::answer(*answers, {.method = "status"}, live);
  BOOST_TEST(status["pointer"] == "/log.0:1");
  BOOST_TEST(status["tallies"]["seconds_behind"] == 2);
  BOOST_TEST(status["rollups"]["day"] == "day:UTC");
  BOOST_TEST(status["tallies"]["visitor_without_pixel"] == 30);
  BOOST_TEST(status["tallies"]["pixel_missing"] == 0);
  BOOST_TEST(status["warnings"] == json::array());
}

BOOST_FIXTURE_TEST_CASE(only_listed_methods_answer, Shop) {
  for (const auto* method :
       {"flush", "reset_counters", "__class__", "store", "", "Count", "count "}) {
    BOOST_TEST(refusal(method, json::array()).rfind("MethodError: no method \"", 0) == 0u);
  }
  BOOST_TEST(program::method_names().size() == 9u);
}

BOOST_AUTO_TEST_CASE(a_series_of_a_month_or_of_few_buckets_is_short) {
  using manhattan::program::is_short;
  const auto series = [](const char* first, const char* last) {
    return manhattan::query::Request{
        .method = "series", .arguments = {"goal"}, .named = {{"first", first}, {"last", last}}};
  };
  BOOST_TEST(is_short(series("2026-11-02", "2026-11-02")));
  BOOST_TEST(is_short(series("2026-11-01T00", "2026-11-30T23")));
  BOOST_TEST(!is_short(series("2026-10-31", "2026-11-01")));
  BOOST_TEST(is_short({.method = "series", .named = {{"goal", "goal"}, {"largest", 10}}}));
  BOOST_TEST(!is_short({.method = "series", .arguments = {"goal"}}));
  BOOST_TEST(is_short({.method = "series", .arguments = {7, 7, 7, 7, 7, 7, 7, 7}}));  // refused
}

BOOST_AUTO_TEST_CASE(what_may_be_asked_of_many_names_is_lengthy) {
  using manhattan::program::is_lengthy;
  const json many = std::vector<std::string>(11, "goal");
  for (const char* method : {"series", "all_goals", "all_tests"})
    BOOST_TEST(is_lengthy({.method = method}));
  BOOST_TEST(is_lengthy({.method = "results", .arguments = {"test", many}}));
  BOOST_TEST(is_lengthy({.method = "split_results", .named = {{"goals", many}}}));
  BOOST_TEST(!is_lengthy({.method = "results", .arguments = {"test", {"goal"}}}));
  BOOST_TEST(!is_lengthy({.method = "results", .arguments = {"test", 7}, .named = {{"goals", 7}}}));
  for (const char* method : {"count", "goal_value", "status", "get_pointer", "results", "none"})
    BOOST_TEST(!is_lengthy({.method = method}));
}

BOOST_FIXTURE_TEST_CASE(wrong_arguments_are_answered_by_name, Shop) {
  BOOST_TEST(refusal("count", json::array()) == "ArgumentError: count() needs a goal or a variant");
  BOOST_TEST(refusal("series", {""}) == "ArgumentError: series() needs a goal or a variant");
  BOOST_TEST(refusal("count", {"a", "b"}) ==
             "ArgumentError: count() needs 'variant' to be a pair of strings, not \"b\"");
  BOOST_TEST(refusal("count", {"a", {"b"}}).find("'variant'") != std::string::npos);
  BOOST_TEST(refusal("count", {"a", nullptr, 5}).find("'rollup_key'") != std::string::npos);
  BOOST_TEST(refusal("count", {"a", nullptr, "all", 1.5}).find("'bucket_id'") != std::string::npos);
  BOOST_TEST(refusal("count", {"a"}, {{"site_id", -1}}).find("'site_id'") != std::string::npos);
  BOOST_TEST(refusal("count", {"a"}, {{"site", 1}}) ==
             "ArgumentError: count() has no argument \"site\"");
  BOOST_TEST(refusal("goal_value", json::array()).find("'goal'") != std::string::npos);
  BOOST_TEST(refusal("results", {"button", "sale"}).find("'goals'") != std::string::npos);
  BOOST_TEST(refusal("results", {"button", {""}}) != "");
  BOOST_TEST(refusal("all_tests", {1}) != "");
}
