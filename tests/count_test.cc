// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE count
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <ostream>
#include <random>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "count/counting.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::count;

namespace {

/// One store's worth of counting, without the store: counters by name.
class Shop {
 public:
  explicit Shop(std::vector<std::string> rollups = {"all"},
                std::vector<std::string> complex_goals = {}, const VisitorBounds& bounds = {})
      : counting_(rules(rollups, complex_goals, bounds), names_, counters_) {}

  /// Of so many records, one is counted into a history that was packed and unpacked.
  void pack_every(unsigned records) { pack_every_ = records; }

  void page(std::string_view at = "1", const Page& page = {}) { count(at, page); }
  void goal(std::string_view name, std::string_view value = "", ValueType type = ValueType::none) {
    count("1", Goal{name, Decimal::parse(value), type, ValueFormat::none});
  }
  void split(std::string_view name, std::string_view population) {
    split_at("1", name, population);
  }
  void split_at(std::string_view at, std::string_view name, std::string_view population) {
    count(at, Split{name, population});
  }
  void goal_at(std::string_view at, std::string_view name, std::optional<Decimal> value = {}) {
    count(at, Goal{.name = name, .value = value});
  }
  bool has_name(std::string_view name) { return names_.known(name).has_value(); }
  const std::string& packed() {
    history_.pack(packed_);
    return packed_;
  }
  void set_packed(const std::string& packed) { history_.unpack(packed); }
  void on_site(SiteId site) { site_ = site; }
  void next_visitor() { history_.clear(); }

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
  std::string squares(std::string_view goal, std::string_view variant, SiteId site = kAllSites) {
    drain();
    const auto equals = variant.find('=');
    const SquareKey key{names_.id_of(goal), names_.id_of(variant.substr(0, equals)),
                        names_.id_of(variant.substr(equals + 1)), site};
    return squares_[key].to_string();
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
  static Rules rules(const std::vector<std::string>& rollups, const std::vector<std::string>& goals,
                     const VisitorBounds& bounds) {
    Rules rules;
    rules.bounds = bounds;
    for (const auto& text : rollups) rules.rollups.push_back(parse_rollup(text, "UTC"));
    for (const auto& text : goals) rules.complex_goals.push_back(parse_complex_goal(text));
    return rules;
  }
  void count(std::string_view at, decltype(Record::event) event) {
    const auto nanos = static_cast<std::int64_t>(Decimal::parse(at)->units());
    // Through the blob: what the store keeps must be all there is to know.
    if (++records_ % pack_every_ == 0) history_.unpack(packed());
    counting_.count({UnixNanos(std::chrono::nanoseconds(nanos)), "v", site_, event}, history_);
  }
  void drain() {
    Flush flush;
    counters_.take(flush);
    const auto sightings = counters_.take_sightings();
    kinds_of_goals_.settle(std::span(&sightings, 1), flush);
    for (const auto& [key, delta] : flush.counters) {
      totals_[key].count += delta.count;
      totals_[key].value += delta.value;
    }
    for (const auto& [key, delta] : flush.squares) squares_[key] += delta;
    for (const auto& tally : flush.tallies) tallies_[tally.name] += tally.count;
    for (const auto& goal : flush.goals) kinds_[goal.goal] = goal;
  }

  Names names_;
  GoalKinds kinds_of_goals_;
  Counters counters_;
  Counting counting_;
  History history_;
  std::string packed_;
  SiteId site_ = 1;
  unsigned records_ = 0, pack_every_ = 1;
  std::map<CounterKey, CounterDelta> totals_;
  std::map<SquareKey, SquareSum> squares_;
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

BOOST_AUTO_TEST_CASE(a_record_out_of_order_counts_in_its_own_bucket_once) {
  Shop shop({"day=day"});
  for (const auto* at :
       {"86400", "172800", "259200", "90000", "259300", "172900", "100000", "259400"}) {
    shop.page(at);
  }
  for (const auto* day : {"1970-01-02", "1970-01-03", "1970-01-04"}) {
    BOOST_TEST(shop.at("viewed page", "", 1, day, "day") == "1 0", day);
  }
}

BOOST_AUTO_TEST_CASE(the_first_page_decides_where_a_visitor_came_from) {
  Shop shop({"all", "referrer"});
  shop.goal("early");
  shop.page("1", {.referrer = "https://search.example/"});
  shop.page("2", {.referrer = "https://shop.example/"});
  shop.goal("bought");
  BOOST_TEST(shop.at("bought", "", 1, "search.example", "referrer") == "1 0");
  BOOST_TEST(shop.at("viewed page", "", 1, "shop.example", "referrer") == "0 0");
  BOOST_TEST(shop.at("early", "", 1, "", "referrer") == "1 0");
}

BOOST_AUTO_TEST_CASE(the_last_page_decides_where_a_goal_was_reached) {
  Shop shop({"path"});
  for (const auto* url : {"/a", "/b", "/a"}) {
    shop.page("1", {.url = url});
    shop.goal("clicked");
  }
  for (const auto* path : {"/a", "/b"}) {
    BOOST_TEST(shop.at("clicked", "", 1, path, "path") == "1 0");
    BOOST_TEST(shop.at("viewed page", "", 1, path, "path") == "1 0");
  }
}

BOOST_AUTO_TEST_CASE(a_split_may_be_a_rollup) {
  Shop shop({"button=variant:button"});
  shop.goal("bought", "1");
  shop.split("button", "blue");
  shop.goal("bought", "2");
  BOOST_TEST(shop.at("bought", "", 1, "", "button") == "1 1");
  BOOST_TEST(shop.at("bought", "", 1, "blue", "button") == "1 2");
}

BOOST_AUTO_TEST_CASE(goals_count_under_every_one_of_many_variants) {
  Shop shop;
  for (int i = 0; i < 20; ++i) shop.split("s" + std::to_string(i), "p");
  shop.goal("bought", "2");
  shop.goal("bought", "3");
  for (int i = 0; i < 20; ++i) {
    BOOST_TEST(shop.at("bought", "s" + std::to_string(i) + "=p") == "1 5");
    BOOST_TEST(shop.at("", "s" + std::to_string(i) + "=p") == "1 0");
  }
  BOOST_TEST(shop.at("bought") == "1 5");
}

BOOST_AUTO_TEST_CASE(squares_are_of_each_visitors_sum_since_the_split) {
  Shop shop;
  shop.goal("bought", "100");
  shop.split("button", "blue");
  shop.goal("bought", "3");
  shop.goal("bought", "4");
  shop.on_site(2);
  shop.goal("bought", "0.5");
  shop.next_visitor();
  shop.split("button", "blue");
  shop.goal("bought", "10");
  BOOST_TEST(shop.squares("bought", "button=blue", 1) == "49");
  BOOST_TEST(shop.squares("bought", "button=blue", 2) == "100.25");
  BOOST_TEST(shop.squares("bought", "button=blue") == "156.25");
}

/// How much a visitor does, and how often its history goes through the blob.
struct Life {
  const char* says;
  int rounds, records;
  unsigned days, sites, goals, splits, pack_every;
};
std::ostream& operator<<(std::ostream& out, const Life& life) { return out << life.says; }

// Of many days, goals, sites and sums a history has an index, which the blob has not.
const Life kLives[] = {
    {"usual", 200, 60, 4, 3, 12, 12, 1},          {"many days", 4, 2000, 300, 1, 5, 3, 2000},
    {"many goals", 4, 1500, 30, 2, 300, 3, 2000}, {"many sites", 4, 1500, 30, 200, 3, 3, 100},
    {"many splits", 2, 600, 10, 3, 5, 100, 7},    {"much of all", 2, 2500, 100, 30, 50, 8, 500}};

std::string day_of(unsigned day) {
  return bucket_of(parse_rollup("day", "UTC"), UnixNanos(std::chrono::hours(24 * day)));
}

BOOST_DATA_TEST_CASE(a_random_visitor_is_counted_as_a_plain_model_counts,
                     boost::unit_test::data::make(kLives), life) {
  std::mt19937_64 random(tests::seed());
  for (int round = 0; round < life.rounds; ++round) {
    Shop shop({"all", "day=day"});
    shop.pack_every(life.pack_every);
    std::set<std::string> seen;
    struct Total {
      std::int64_t count = 0;
      Decimal value;
    };
    std::map<std::string, Total> model;
    std::map<std::string, Decimal> sums, squares;  // by goal/variant/site; in millionths squared
    std::vector<std::string> variants;
    for (int i = 0; i < life.records; ++i) {
      const auto day = 1 + static_cast<unsigned>(random() % life.days);
      const auto at = std::to_string(day * 86400);
      const auto site = std::to_string(1 + random() % life.sites);
      shop.on_site(std::stoi(site));
      std::vector<std::string> keys;
      Decimal value;
      if (random() % 4 == 0) {
        const auto name = "s" + std::to_string(random() % life.splits);
        shop.split_at(at, name, "p");
        if (std::ranges::find(variants, name + "=p") == variants.end())
          variants.push_back(name + "=p");
        keys = {"/" + name + "=p"};
      } else {
        const auto name = "g" + std::to_string(random() % life.goals);
        value = Decimal::from_integer(static_cast<std::int64_t>(random() % 3));
        shop.goal_at(at, name, value);
        keys = {name + "/"};
        for (const auto& variant : variants) keys.push_back(name + "/" + variant);
      }
      for (const auto& key : keys) {
        for (const auto& where : {site, std::string("-1")}) {
          for (const auto& bucket : {std::string("0"), day_of(day)}) {
            auto& total = model[key + "/" + where + "/" + bucket];
            total.count += seen.insert(key + "/" + where + "/" + bucket).second ? 1 : 0;
            total.value += value;
          }
          if (value.is_zero() || key.ends_with("/")) continue;
          auto& sum = sums[key + "/" + where];
          const auto before = sum.units() / 1000, after = (sum += value).units() / 1000;
          squares[key + "/" + where] += Decimal::from_units(after * after - before * before);
        }
      }
    }
    int wrong = 0;
    const auto check = [&](const std::string& key, const std::string& is, const std::string& due) {
      if (is == due) return;
      if (++wrong < 5) BOOST_TEST(is == due, key);
    };
    for (const auto& [key, total] : model) {
      const auto parts = base::split(key, '/');
      check(key,
            shop.at(parts[0], parts[1], std::stoi(std::string(parts[2])), parts[3],
                    parts[3] == "0" ? "all" : "day"),
            std::to_string(total.count) + " " + total.value.to_string());
    }
    for (const auto& [key, square] : squares) {
      const auto parts = base::split(key, '/');
      check(key, shop.squares(parts[0], parts[1], std::stoi(std::string(parts[2]))),
            SquareSum::from_units(square.units()).to_string());
    }
    BOOST_TEST(wrong == 0);
  }
}

BOOST_AUTO_TEST_CASE(buckets_beyond_the_bound_are_counted_as_other) {
  Shop shop({"all", "path", "day"}, {}, {.buckets = 2});
  for (const auto* url : {"/a", "/b", "/c", "/d", "/a", "/c"}) {
    shop.page("1", {.url = url});
    shop.goal("clicked", "1");
  }
  BOOST_TEST(shop.at("viewed page", "", 1, "/a", "path") == "1 0");
  BOOST_TEST(shop.at("clicked", "", 1, "/a", "path") == "1 2");
  BOOST_TEST(shop.at("clicked", "", 1, "/b", "path") == "1 1");
  BOOST_TEST(shop.at("clicked", "", 1, "/c", "path") == "0 0");
  BOOST_TEST(shop.at("clicked", "", 1, "Other", "path") == "1 3");
  BOOST_TEST(shop.at("clicked") == "1 6");
  BOOST_TEST(shop.tally("bucket_other") ==
             6);  // three pages, and the goals that were reached there
  BOOST_TEST(!shop.has_name("/d"));
  shop.next_visitor();
  shop.page("1", {.url = "/d"});
  BOOST_TEST(shop.at("viewed page", "", 1, "/d", "path") == "1 0");
}

BOOST_AUTO_TEST_CASE(days_beyond_the_bound_are_other_in_whatever_order_they_come) {
  Shop shop({"day=day"}, {}, {.buckets = 2});
  for (const auto* at : {"86400", "172800", "259200", "90000", "345600", "432000", "172900"}) {
    shop.goal_at(at, "bought", Decimal::from_integer(1));
  }
  BOOST_TEST(shop.at("bought", "", 1, "1970-01-02", "day") == "1 2");
  BOOST_TEST(shop.at("bought", "", 1, "1970-01-03", "day") == "1 2");
  BOOST_TEST(shop.at("bought", "", 1, "Other", "day") == "1 3");
}

BOOST_AUTO_TEST_CASE(goals_and_variants_beyond_the_bound_are_left_out_and_tallied) {
  Shop shop({"all"}, {"both|g1,g5|"}, {.goals = 3, .variants = 2});
  for (int i = 0; i < 6; ++i) {
    shop.split("s" + std::to_string(i), "p");
    shop.goal("g" + std::to_string(i), "1");
  }
  shop.goal("g0", "1");
  BOOST_TEST(shop.at("g0") == "1 2");
  BOOST_TEST(shop.at("g1", "s1=p") == "1 1");
  BOOST_TEST(shop.at("g5") == "0 0");
  BOOST_TEST(shop.at("both") == "0 0");
  BOOST_TEST(shop.at("", "s1=p") == "1 0");
  BOOST_TEST(shop.at("", "s2=p") == "0 0");
  BOOST_TEST(shop.tally("left_out_goal") == 4);
  BOOST_TEST(shop.tally("left_out_variant") == 4);
  BOOST_TEST(!shop.has_name("s5"));
  BOOST_TEST(!shop.has_name("g3"));
}

BOOST_AUTO_TEST_CASE(a_history_with_all_that_its_bounds_allow_stays_small) {
  Shop shop({"all", "path"}, {}, {.buckets = 10'000, .goals = 1000, .variants = 50});
  shop.pack_every(1000);
  for (int i = 0; i < 60; ++i) shop.split("s" + std::to_string(i), "p");
  for (int i = 0; i < 1100; ++i) shop.goal("g" + std::to_string(i), "1");
  for (int i = 0; i < 40'000; ++i) {
    shop.page("1", {.url = "/" + std::to_string(i % 11'000)});
    shop.goal("g" + std::to_string(i % 1000));
  }
  BOOST_TEST(shop.packed().size() < 4'000'000u);
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_history_is_damage) {
  History history, again;
  history.is_human = true;
  history.last_s = -5;
  history.add_variant({2, 3});
  const auto row = history.row_of({9, 7, 0});
  history.mark(row, history.open({1, 2}, History::Age::any), 3);
  history.mark(row, history.open({1, 700}, History::Age::any), 1);
  history.set_trait({5, 6});
  history.rare() = {
      .complex_goals = {{.goal = 4, .site = 7, .variants = 1, .buckets = {{1, 2}, {3, 400}}}},
      .totals = {{row, 1, *Decimal::parse("-12.5")}}};
  std::string blob, blob_again;
  history.pack(blob);
  again.unpack(blob);
  again.pack(blob_again);
  BOOST_TEST(blob == blob_again);
  BOOST_TEST(again.marks(row, again.open({1, 2}, History::Age::any)) == 3);
  for (std::size_t size = 1; size < blob.size(); ++size) {
    const auto head = blob.substr(0, size);
    BOOST_CHECK_THROW(again.unpack(head), DamageError);
    BOOST_CHECK_THROW(again.unpack(head + std::string(40, '\xff')), DamageError);
  }
  BOOST_CHECK_THROW(again.unpack(blob + "x"), DamageError);
}

BOOST_AUTO_TEST_CASE(no_flipped_bit_of_a_history_harms) {
  Shop shop({"all", "day=day"});
  shop.split("button", "blue");
  shop.goal("bought", "5");
  shop.page("90000");
  const auto blob = shop.packed();
  for (std::size_t bit = 0; bit < 8 * blob.size(); ++bit) {
    auto damaged = blob;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    try {
      shop.set_packed(damaged);
      shop.page("100");  // whatever it counts, it reads nothing out of bounds
    } catch (const DamageError&) {
    }
  }
}

BOOST_AUTO_TEST_CASE(a_year_of_daily_visits_stays_under_eight_kilobytes) {
  Shop shop({"all", "day", "week", "month"});
  for (int day = 0; day < 365; ++day) {
    const auto at = std::to_string(86400 * day);
    shop.page(at);
    for (int i = 0; i < 3; ++i) {
      shop.split_at(at, "split " + std::to_string(i), "treatment");
      shop.goal_at(at, "goal " + std::to_string(i));
    }
  }
  BOOST_TEST(shop.packed().size() < 8000u);
}
