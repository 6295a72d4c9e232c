// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE count
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <ostream>
#include <random>

#include "base/error.h"
#include "count/counting.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::count;
namespace data = boost::unit_test::data;
using std::chrono::seconds;

namespace {

/// One store's worth of counting, without the store: counters by name.
class Shop {
 public:
  explicit Shop(std::vector<std::string> rollups = {"all"},
                std::vector<std::string> complex_goals = {})
      : counting_(rules(rollups, complex_goals), names_, counters_) {}

  void page(std::string_view at = "1") { count(at, Page{}); }
  void goal(std::string_view name, std::string_view value = "", ValueType type = ValueType::none) {
    count("1", Goal{name, Decimal::parse(value), type, ValueFormat::none});
  }
  void split(std::string_view name, std::string_view population) {
    count("1", Split{name, population});
  }
  void on_site(SiteId site) { site_ = site; }
  void next_visitor() { history_ = {}; }

  /// `count value` of a counter that has changed so far.
  std::string at(std::string_view goal, std::string_view variant = "", SiteId site = kAllSites,
                 std::string_view bucket = "0", std::string_view rollup = "all") {
    const auto equals = variant.find('=');
    CounterKey key;
    if (!goal.empty()) key.goal = names_.id_of(goal);
    if (!variant.empty()) {
      key.split = names_.id_of(variant.substr(0, equals));
      key.population = names_.id_of(variant.substr(equals + 1));
    }
    key.rollup = names_.id_of(rollup);
    key.bucket = names_.id_of(bucket);
    key.site = site;
    drain();
    const auto& total = totals_[key];
    return std::to_string(total.count) + " " + total.value.to_string();
  }
  std::int64_t tally(const std::string& name) {
    drain();
    return tallies_[name];
  }
  char type_of(std::string_view goal) {
    drain();
    return kinds_[names_.id_of(goal)].value_type;
  }

 private:
  static Rules rules(const std::vector<std::string>& rollups,
                     const std::vector<std::string>& goals) {
    Rules rules;
    for (const auto& text : rollups) rules.rollups.push_back(parse_rollup(text, "UTC"));
    for (const auto& text : goals) rules.complex_goals.push_back(parse_complex_goal(text));
    return rules;
  }
  void count(std::string_view at, decltype(Record::event) event) {
    const auto nanos = static_cast<std::int64_t>(Decimal::parse(at)->nanos());
    // Through the blob each time: what the store keeps must be all there is to know.
    history_ = decode_history(encode_history(history_));
    counting_.count({UnixNanos(std::chrono::nanoseconds(nanos)), "v", site_, event}, history_);
  }
  void drain() {
    Flush flush;
    counters_.take(flush);
    for (const auto& [key, delta] : flush.counters) {
      totals_[key].count += delta.count;
      totals_[key].value += delta.value;
    }
    for (const auto& tally : flush.tallies) tallies_[tally.name] += tally.count;
    for (const auto& goal : flush.goals) kinds_[goal.goal] = goal;
  }

  Names names_;
  Counters counters_;
  Counting counting_;
  History history_;
  SiteId site_ = 1;
  std::map<CounterKey, CounterDelta> totals_;
  std::map<std::string, std::int64_t> tallies_;
  std::map<NameId, GoalKind> kinds_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_goal_counts_once_a_visitor_and_its_values_add_up) {
  Shop shop;
  shop.goal("bought", "1.10");
  shop.goal("bought", "2.20");
  shop.next_visitor();
  shop.goal("bought", "0.000000001");
  BOOST_TEST(shop.at("bought") == "2 3.300000001");
}

BOOST_AUTO_TEST_CASE(a_page_is_a_hit_of_viewed_page) {
  Shop shop;
  shop.page();
  shop.goal("viewed page");
  BOOST_TEST(shop.at("viewed page") == "1 0");
}

BOOST_AUTO_TEST_CASE(all_sites_together_count_each_visitor_once) {
  Shop shop;
  shop.goal("bought", "5");
  shop.on_site(2);
  shop.goal("bought", "7");
  BOOST_TEST(shop.at("bought", "", 1) == "1 5");
  BOOST_TEST(shop.at("bought", "", 2) == "1 7");
  BOOST_TEST(shop.at("bought") == "1 12");
}

BOOST_AUTO_TEST_CASE(a_goal_before_the_split_is_not_the_variants) {
  Shop shop;
  shop.goal("early");
  shop.split("button", "blue");
  shop.goal("late", "3");
  BOOST_TEST(shop.at("early", "button=blue") == "0 0");
  BOOST_TEST(shop.at("late", "button=blue") == "1 3");
  BOOST_TEST(shop.at("", "button=blue") == "1 0");
}

BOOST_AUTO_TEST_CASE(a_variant_counts_later_goals_on_any_site) {
  Shop shop;
  shop.split("button", "blue");
  shop.on_site(2);
  shop.goal("bought");
  BOOST_TEST(shop.at("bought", "button=blue", 2) == "1 0");
  BOOST_TEST(shop.at("bought", "button=blue", 1) == "0 0");
}

BOOST_AUTO_TEST_CASE(time_buckets_count_a_visitor_once_each) {
  Shop shop({"all", "day=day:America/Los_Angeles"});
  shop.page("1356854399");  // 2012-12-29T23:59:59 there
  shop.page("1356854400");
  shop.page("1356854401");
  BOOST_TEST(shop.at("viewed page", "", 1, "2012-12-29", "day") == "1 0");
  BOOST_TEST(shop.at("viewed page", "", 1, "2012-12-30", "day") == "1 0");
  BOOST_TEST(shop.at("viewed page") == "1 0");
}

BOOST_AUTO_TEST_CASE(a_complex_goal_counts_when_its_last_include_is_reached) {
  Shop shop({"all"}, {"both|a,b|"});
  shop.goal("a");
  BOOST_TEST(shop.at("both") == "0 0");
  shop.on_site(2);
  shop.goal("b");
  shop.goal("a");
  BOOST_TEST(shop.at("both") == "1 0");
  BOOST_TEST(shop.at("both", "", 2) == "1 0");
  BOOST_TEST(shop.at("both", "", 1) == "0 0");
}

BOOST_AUTO_TEST_CASE(an_exclude_later_takes_a_complex_goal_back_for_good) {
  Shop shop({"all"}, {"left|cart|paid"});
  shop.split("button", "blue");
  shop.goal("cart");
  BOOST_TEST(shop.at("left") == "1 0");
  BOOST_TEST(shop.at("left", "button=blue") == "1 0");
  shop.split("button", "red");
  shop.goal("paid");
  BOOST_TEST(shop.at("left") == "0 0");
  BOOST_TEST(shop.at("left", "button=blue") == "0 0");
  BOOST_TEST(shop.at("left", "button=red") == "0 0");
  shop.goal("cart");
  BOOST_TEST(shop.at("left") == "0 0");
}

BOOST_AUTO_TEST_CASE(an_exclude_before_the_includes_bars_a_complex_goal) {
  Shop shop({"all"}, {"left|cart|paid"});
  shop.goal("paid");
  shop.goal("cart");
  BOOST_TEST(shop.at("left") == "0 0");
}

BOOST_AUTO_TEST_CASE(the_first_type_that_says_something_stays) {
  Shop shop;
  shop.goal("g", "1");
  shop.goal("g", "1", ValueType::average);
  shop.goal("g", "1", ValueType::sum);
  BOOST_TEST(shop.type_of("g") == 'A');
  BOOST_TEST(shop.tally("value_type_conflict") == 1);
}

BOOST_AUTO_TEST_CASE(names_that_differ_in_case_or_blanks_are_different) {
  Shop shop;
  for (const auto* name : {"Pie", "pie", "pie ", "pi\xc3\xa9"}) {
    shop.goal(name);
    shop.next_visitor();
  }
  BOOST_TEST(shop.at("pie") == "1 0");
}

BOOST_AUTO_TEST_CASE(names_unknown_to_memory_are_asked_for) {
  Names names(
      7,
      [](std::string_view name) { return name == "old" ? std::optional<NameId>(3) : std::nullopt; },
      1);
  BOOST_TEST(names.id_of("old") == 3u);
  BOOST_TEST(names.id_of("new") == 8u);
  BOOST_TEST(names.new_names().size() == 1u);
  names.clear_new();
  BOOST_TEST(names.id_of("newer") == 9u);
}

BOOST_AUTO_TEST_CASE(time_buckets_are_the_originals_local_dates) {
  // The original named a bucket by its local date's midnight in the server's zone, the key here.
  const auto day = parse_rollup("day:America/Los_Angeles", "UTC");
  const auto week = parse_rollup("week:America/Los_Angeles", "UTC");
  const auto zones = tests::read_json("original.json")["buckets"];
  for (const auto& [zone, cases] : zones.items()) {
    const auto server_day = parse_rollup("day:" + zone, "UTC");
    for (const auto& c : cases) {
      const auto at = [&](int i) {
        return UnixNanos(seconds(static_cast<std::int64_t>(c[i].get<double>())));
      };
      BOOST_TEST(bucket_of(day, at(0)) == bucket_of(server_day, at(1)), zone + " " + c.dump());
      BOOST_TEST(bucket_of(week, at(0)) == bucket_of(server_day, at(2)), zone + " " + c.dump());
    }
  }
}

struct BucketCase {
  const char* rollup;
  std::int64_t at_s;
  const char* bucket;
};
std::ostream& operator<<(std::ostream& out, const BucketCase& c) {
  return out << c.rollup << " at " << c.at_s;
}

const BucketCase kBuckets[] = {
    {"all", 0, "0"},
    {"hour", 1763733599, "2025-11-21T13"},
    {"day", -1, "1969-12-31"},
    {"day:Asia/Kolkata", 66600, "1970-01-02"},
    {"day:Asia/Kolkata", 66599, "1970-01-01"},
    {"week", 1763733599, "2025-11-16"},
    {"week", 1763251200, "2025-11-16"},
    {"month", 1763733599, "2025-11"},
    {"year:Pacific/Auckland", 1767178800, "2026"},
};

BOOST_DATA_TEST_CASE(a_time_bucket_is_named_by_its_local_start, data::make(kBuckets), c) {
  BOOST_TEST(bucket_of(parse_rollup(c.rollup, "UTC"), UnixNanos(seconds(c.at_s))) == c.bucket);
}

const char* const kBadRollups[] = {"",        "=all",  "x=", "nonsense", "day:Nowhere/Else",
                                   "all:UTC", "x=day:"};

BOOST_DATA_TEST_CASE(a_bad_rollup_is_named, data::make(kBadRollups), text) {
  BOOST_CHECK_EXCEPTION(parse_rollup(text, "UTC"), ConfigError, [&](const ConfigError& error) {
    return std::string(error.what()).find(text) != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(complex_goals_are_read_and_written) {
  const auto goal = parse_complex_goal("a\\|b|c\\,d,e|f");
  BOOST_TEST(goal.name == "a|b");
  BOOST_TEST(goal.includes == (std::vector<std::string>{"c,d", "e"}),
             boost::test_tools::per_element());
  BOOST_TEST(goal.excludes == (std::vector<std::string>{"f"}), boost::test_tools::per_element());
  BOOST_TEST(to_string(goal) == "a\\|b|c\\,d,e|f");
  for (const auto* bad : {"", "a", "a|", "|b|c", "a|b|c|d"})
    BOOST_CHECK_THROW(parse_complex_goal(bad), ConfigError);
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_history_is_damage) {
  History history;
  history.is_human = true;
  history.waiting = {"1\tpixel\t1\tv\t1"};
  history.goals = {1, 300};
  history.variants = {{2, 3}};
  history.complex_goals = {{4, false, {{1, 2, 3, 4, 5, kAllSites}}}};
  history.seen.mark({1, 2}, history.seen.number_of({1, 0, 0, kAllSites}));
  history.seen.mark({1, 700}, 130);
  const auto blob = encode_history(history);
  BOOST_TEST(encode_history(decode_history(blob)) == blob);
  for (std::size_t size = 0; size < blob.size(); ++size) {
    BOOST_CHECK_THROW(decode_history(std::string_view(blob).substr(0, size)), DamageError);
  }
  BOOST_CHECK_THROW(decode_history(blob + "x"), DamageError);
}

BOOST_AUTO_TEST_CASE(a_year_of_daily_visits_stays_under_eight_kilobytes) {
  History history;
  for (NameId day = 1; day <= 365; ++day) {
    for (NameId goal = 1; goal <= 4; ++goal) {
      for (NameId variant = 0; variant <= 3; ++variant) {
        for (const std::int32_t site : {1, kAllSites}) {
          const auto item = history.seen.number_of({goal, variant, variant, site});
          for (NameId rollup = 1; rollup <= 2; ++rollup)
            history.seen.mark({rollup, 1000 + day / rollup}, item);
        }
      }
    }
  }
  BOOST_TEST(encode_history(history).size() < 8192u);
}
