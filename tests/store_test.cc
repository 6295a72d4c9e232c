// SPDX-License-Identifier: MIT
// What a store promises while its database works: the same cases on SQLite and on MariaDB.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE store
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>

#include "store/store.h"
#include "tests/support/databases.h"
#include "tests/support/flushes.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::store;
using count::CounterKey;
using count::Flush;
using std::chrono::nanoseconds;
using tests::Database;

namespace {

const auto kBoth = boost::unit_test::data::make(tests::kDatabases);

Decimal decimal(const char* text) { return Decimal::parse(text).value(); }
UnixNanos at(std::int64_t nanos) { return UnixNanos(nanoseconds(nanos)); }

constexpr count::NameId kGoal = 1, kAll = 2, kZero = 3, kSplit = 4, kPopulation = 5;

/// The first flush of a store: one name of each kind, nothing counted.
Flush first_flush() {
  Flush flush;
  flush.number = 1;
  flush.names = {
      {kGoal, "buy"}, {kAll, "all"}, {kZero, "0"}, {kSplit, "color"}, {kPopulation, "red"}};
  return flush;
}

Flush next_flush(std::int64_t number, CounterKey key, std::int64_t count, const char* value) {
  Flush flush;
  flush.number = number;
  flush.counters = {{key, {count, decimal(value)}}};
  return flush;
}

constexpr CounterKey kBuys{kGoal, 0, 0, kAll, kZero, count::kAllSites};

Counter buys(const Location& place) { return place.open_reader()->counter({.goal = "buy"}, "0"); }

std::vector<std::string> bucket_names(const std::vector<BucketCounter>& buckets) {
  std::vector<std::string> names;
  for (const auto& bucket : buckets) names.push_back(bucket.bucket);
  return names;
}

void check_same(const std::vector<std::string>& found, const std::vector<std::string>& expected) {
  BOOST_CHECK_EQUAL_COLLECTIONS(found.begin(), found.end(), expected.begin(), expected.end());
}

}  // namespace

BOOST_DATA_TEST_CASE(a_new_store_remembers_nothing, kBoth, database) {
  const auto state = tests::new_place(database).open()->load();
  BOOST_TEST(state.flush_number == 0);
  BOOST_TEST(state.largest_name == 0u);
  BOOST_TEST(state.pointer == "");
  BOOST_TEST(state.segments.empty());
  BOOST_TEST(state.settings.empty());
}

BOOST_DATA_TEST_CASE(what_a_flush_says_of_its_progress_comes_back, kBoth, database) {
  const auto place = tests::new_place(database);
  auto flush = first_flush();
  flush.pointer = "/var/log/m\xc3\xa9.1479747600:42";
  flush.segments = {{"/b.3600", 1ull << 40}, {"/a.0", 7}};
  flush.tallies = {{"record_page", 2}, {"skipped_bad_value", 1}};
  place.open()->commit(flush);
  const auto store = place.open();  // what another process sees
  const auto state = store->load();
  BOOST_TEST(state.flush_number == 1);
  BOOST_TEST(state.largest_name == kPopulation);
  BOOST_TEST(state.pointer == flush.pointer);
  BOOST_REQUIRE(state.segments.size() == 2u);
  BOOST_TEST(state.segments[1].file == "/b.3600");
  BOOST_TEST(state.segments[1].offset == 1ull << 40);
  flush = {};
  flush.number = 2;
  flush.segments = {{"/a.0", 8}};
  flush.tallies = {{"record_page", 40}};
  store->commit(flush);
  const auto reader = place.open_reader();
  BOOST_TEST(reader->pointer() == "");
  BOOST_TEST(reader->tallies()["record_page"] == 42);
  BOOST_TEST(reader->tallies()["skipped_bad_value"] == 1);
  BOOST_TEST(store->load().segments[0].offset == 8u);
}

BOOST_DATA_TEST_CASE(counters_add_up_exactly_and_are_taken_back, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  auto flush = first_flush();
  flush.counters = {{kBuys, {3, decimal("0.1")}}};
  store->commit(flush);
  store->commit(next_flush(2, kBuys, 2, "0.2"));
  BOOST_TEST(buys(place).count == 5);
  BOOST_TEST(buys(place).value.to_string() == "0.3");
  store->commit(next_flush(3, kBuys, -5, "-1234567890123456789.000000001"));
  BOOST_TEST(buys(place).count == 0);
  BOOST_TEST(buys(place).value.to_string() == "-1234567890123456788.700000001");
}

BOOST_DATA_TEST_CASE(values_saturate_where_decimals_do, kBoth, database) {
  const auto most = Decimal::from_units(std::numeric_limits<__int128>::max());
  for (const auto sign : {1, -1}) {
    const auto place = tests::new_place(database);
    const auto store = place.open();
    auto flush = first_flush();
    const auto limit = sign > 0 ? most : -most;
    flush.counters = {{kBuys, {1, limit}}};
    store->commit(flush);
    BOOST_TEST(buys(place).value.to_string() == limit.to_string());
    flush = next_flush(2, kBuys, 1, "0");
    flush.counters[0].second.value = limit;
    store->commit(flush);
    BOOST_TEST(buys(place).value.to_string() == (limit + limit).to_string());
    store->commit(next_flush(3, kBuys, 1, sign > 0 ? "-0.000000001" : "0.000000001"));
    const auto inside = limit + Decimal::from_units(-sign);
    BOOST_TEST(buys(place).value.to_string() == inside.to_string());
  }
}

BOOST_DATA_TEST_CASE(names_differ_where_a_byte_does, kBoth, database) {
  const std::vector<std::string> names{"key",
                                       "Key",
                                       "key ",
                                       " key",
                                       std::string("key\0", 4),
                                       std::string("key\0x", 5),
                                       "k\xc3\xa9y",
                                       "ke\xcc\x81y",
                                       "\xf0\x9f\x8d\x95",
                                       "\xff\xfe",
                                       "%",
                                       "_",
                                       "'\"\\`",
                                       std::string(1000, 'x'),
                                       std::string(999, 'x'),
                                       ""};
  const auto place = tests::new_place(database);
  const auto store = place.open();
  Flush flush = first_flush();
  std::vector<count::VisitorRow> visitors;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto id = static_cast<count::NameId>(100 + i);
    flush.names.push_back({id, names[i]});
    flush.counters.push_back({{id, 0, 0, kAll, id, 0}, {id, {}}});
    visitors.push_back({names[i], i % 2 == 0, "of " + names[i]});
  }
  flush.visitors = tests::rows(visitors);
  store->commit(flush);
  const auto reader = place.open_reader();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto id = static_cast<count::NameId>(100 + i);
    BOOST_TEST(store->find_name(names[i]).value_or(0) == id);
    if (!names[i].empty()) {
      const CounterQuery query{.goal = names[i], .site = 0};
      BOOST_TEST(reader->counter(query, names[i]).count == id);
      check_same(bucket_names(reader->series(query, "", "", 100)), {names[i]});
    }
    const auto rows = store->find_visitors(std::vector<std::string>{names[i]});
    BOOST_REQUIRE(rows.size() == 1u);
    BOOST_TEST(rows[0].visitor == names[i]);
    BOOST_TEST(rows[0].is_human == (i % 2 == 0));
    BOOST_TEST(rows[0].history == "of " + names[i]);
  }
  BOOST_TEST(!store->find_name("KEY"));
}

BOOST_DATA_TEST_CASE(the_first_kind_of_a_goal_stays, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  auto flush = first_flush();
  flush.counters = {{kBuys, {1, {}}}};  // counted, of no kind yet
  store->commit(flush);
  const auto reader = place.open_reader();
  BOOST_TEST(reader->goals().size() == 1u);
  BOOST_TEST(store->find_goal(kGoal)->value_type == '\0');
  BOOST_TEST(!store->find_goal(kSplit));
  flush = next_flush(2, kBuys, 1, "1");
  flush.goals = {{kGoal, 'S', 0}};
  store->commit(flush);
  flush = next_flush(3, kBuys, 1, "1");
  flush.goals = {{kGoal, 'A', 'C'}};
  store->commit(flush);
  BOOST_TEST(store->find_goal(kGoal)->value_type == 'S');
  BOOST_TEST(store->find_goal(kGoal)->value_format == 'C');
  BOOST_REQUIRE(reader->goal("buy"));
  BOOST_TEST(reader->goal("buy")->value_type == 'S');
  BOOST_TEST(reader->goals()[0].name == "buy");
  BOOST_TEST(reader->goals()[0].value_format == 'C');
  BOOST_TEST(!reader->goal("color"));
}

BOOST_DATA_TEST_CASE(a_split_spans_its_earliest_and_latest_record, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  auto flush = first_flush();
  flush.splits = {{kSplit, at(1479747600123456789), at(1479747600123456790)},
                  {kPopulation, at(-5), at(-4)}};
  store->commit(flush);
  flush = next_flush(2, {0, kSplit, kPopulation, kAll, kZero, 0}, 1, "0");
  flush.names = {{6, "blue"}};
  flush.counters.push_back({{0, kSplit, 6, kAll, kZero, 0}, {1, {}}});
  flush.splits = {{kSplit, at(7), at(8)}};
  store->commit(flush);
  const auto reader = place.open_reader();
  const auto splits = reader->splits();
  BOOST_REQUIRE(splits.size() == 2u);
  BOOST_TEST(splits[0].name == "color");
  BOOST_TEST(splits[0].first_at.time_since_epoch().count() == 7);
  BOOST_TEST(splits[0].last_at.time_since_epoch().count() == 1479747600123456790);
  BOOST_TEST(splits[1].last_at.time_since_epoch().count() == -4);
  check_same(reader->populations("color"), {"blue", "red"});
  check_same(reader->populations("red"), {});
}

BOOST_DATA_TEST_CASE(a_series_has_the_buckets_between_its_bounds, kBoth, database) {
  const auto place = tests::new_place(database);
  auto flush = first_flush();
  const std::vector<std::string> days{"2026-11-03", "2026-11-01", "2026-11-02", "2026-10-31"};
  for (std::size_t i = 0; i < days.size(); ++i) {
    const auto id = static_cast<count::NameId>(10 + i);
    flush.names.push_back({id, days[i]});
    flush.counters.push_back({{kGoal, 0, 0, kAll, id, 7}, {id, decimal("0.5")}});
  }
  place.open()->commit(flush);
  const auto reader = place.open_reader();
  const CounterQuery query{.goal = "buy", .site = 7};
  const auto all = reader->series(query, "", "", 100);
  check_same(bucket_names(all), {"2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03"});
  BOOST_TEST(all[0].counter.count == 13);
  BOOST_TEST(all[0].counter.value.to_string() == "0.5");
  check_same(bucket_names(reader->series(query, "2026-11-01", "2026-11-02", 100)),
             {"2026-11-01", "2026-11-02"});
  check_same(bucket_names(reader->series(query, "2026-11", "", 100)),
             {"2026-11-01", "2026-11-02", "2026-11-03"});
  check_same(bucket_names(reader->series({.goal = "buy", .site = 8}, "", "", 100)), {});
  check_same(bucket_names(reader->series(query, "", "", 2)), {"2026-10-31", "2026-11-01"});
  check_same(bucket_names(reader->largest(query, 2)), {"2026-10-31", "2026-11-02"});
  check_same(bucket_names(reader->largest({.goal = "buy", .site = 8}, 2)), {});
}

BOOST_DATA_TEST_CASE(what_was_never_counted_is_zero_and_stays_unknown, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  store->commit(first_flush());
  const auto reader = place.open_reader();
  BOOST_TEST(reader->counter({.goal = "never"}, "0").count == 0);
  BOOST_TEST(reader->counter({.goal = "buy"}, "never").count == 0);
  BOOST_TEST(reader->counter({.goal = "buy", .split = "never"}, "0").count == 0);
  BOOST_TEST(reader->counter({.split = "color", .population = "never"}, "0").count == 0);
  BOOST_TEST(reader->counter({.goal = "buy", .rollup = "never"}, "0").value.is_zero());
  BOOST_TEST(!reader->goal("never"));
  BOOST_TEST(reader->populations("never").empty());
  BOOST_TEST(reader->series({.goal = "never"}, "", "", 100).empty());
  BOOST_TEST(!store->find_name("never"));
  BOOST_TEST(store->find_visitors(std::vector<std::string>{"never"}).empty());
  BOOST_TEST(store->find_visitors({}).empty());
  check_same(tests::ask(place, "SELECT count(*) FROM name", 1), {"5"});
  check_same(tests::ask(place, "SELECT count(*) FROM counter", 1), {"0"});
}

BOOST_DATA_TEST_CASE(a_reader_sees_one_state_from_begin_to_end, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  auto flush = first_flush();
  flush.counters = {{kBuys, {1, {}}}};
  flush.pointer = "a:1";
  store->commit(flush);
  const auto reader = place.open_reader();
  reader->begin();
  flush = next_flush(2, kBuys, 1, "1");
  flush.pointer = "a:2";
  store->commit(flush);
  BOOST_TEST(reader->counter({.goal = "buy"}, "0").count == 1);
  BOOST_TEST(reader->pointer() == "a:1");
  reader->begin();  // ends the one before
  BOOST_TEST(reader->pointer() == "a:2");
  store->commit(next_flush(3, kBuys, 1, "1"));
  BOOST_TEST(reader->counter({.goal = "buy"}, "0").count == 2);
  reader->end();
  BOOST_TEST(reader->counter({.goal = "buy"}, "0").count == 3);
  reader->end();
}

BOOST_DATA_TEST_CASE(settings_are_remembered_at_once, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  store->set("rollup.day", "day:Europe/Berlin");
  store->set("pointer", "not the pointer");
  store->set("rollup.day", "day:UTC");
  const auto state = place.open()->load();
  BOOST_TEST(state.settings.size() == 2u);
  BOOST_TEST(state.settings.at("rollup.day") == "day:UTC");
  BOOST_TEST(state.pointer == "");
}

BOOST_DATA_TEST_CASE(views_have_the_originals_rows, kBoth, database) {
  const auto place = tests::new_place(database);
  auto flush = first_flush();
  flush.counters = {{{0, kSplit, kPopulation, kAll, kZero, -1}, {9, {}}},
                    {{0, kSplit, kPopulation, kAll, kZero, 2}, {3, {}}},
                    {{kGoal, 0, 0, kAll, kZero, -1}, {9, {}}},
                    {{kGoal, 0, 0, kAll, kZero, 2}, {4, {}}},
                    {{kGoal, kSplit, kPopulation, kAll, kZero, 2}, {1, {}}}};
  place.open()->commit(flush);
  check_same(tests::ask(place, "SELECT * FROM impression_counts WHERE name = 'color'", 6),
             {"color|red|all|0|2|3"});
  check_same(tests::ask(place, "SELECT * FROM conversion_counts WHERE name = 'buy'", 5),
             {"buy|all|0|2|4"});
  check_same(tests::ask(place, "SELECT * FROM variant_conversion_counts", 7),
             {"buy|color|red|all|0|2|1"});
  check_same(
      tests::ask(place, "SELECT count(*) FROM conversion_counts WHERE value = 0 OR value = '0'", 1),
      {"1"});
}

BOOST_DATA_TEST_CASE(flushes_of_any_size_are_stored_whole, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  store->commit(first_flush());
  Flush flush;
  flush.number = 2;
  std::vector<std::string> visitors;
  std::vector<count::VisitorRow> histories;
  for (int i = 0; i < 2 * 1024 + 256 + 3 * 16 + 7; ++i) {
    const auto id = static_cast<count::NameId>(1000 + i);
    flush.names.push_back({id, "name " + std::to_string(i)});
    flush.counters.push_back({{kGoal, 0, 0, kAll, id, 0}, {i, {}}});
    visitors.push_back("v" + std::to_string(i * 7919 % 10007));
    histories.push_back({visitors.back(), true, std::to_string(i)});
  }
  flush.visitors = tests::rows(histories);
  store->commit(flush);
  const auto size = std::to_string(visitors.size());
  check_same(tests::ask(place, "SELECT count(*) FROM counter", 1), {size});
  visitors.insert(visitors.end(), {"unknown", visitors[0], visitors[1]});
  const auto rows = store->find_visitors(visitors);
  BOOST_TEST(rows.size() == visitors.size() - 3);
  const auto series = place.open_reader()->series({.goal = "buy", .site = 0}, "", "", 10'000);
  BOOST_TEST(series.size() == rows.size());
  for (const auto& bucket : series)
    BOOST_TEST(bucket.bucket == "name " + std::to_string(bucket.counter.count));
}

BOOST_DATA_TEST_CASE(a_model_of_twenty_lines_agrees, kBoth, database) {
  std::mt19937_64 random(tests::seed());
  const auto place = tests::new_place(database);
  auto store = place.open();
  std::map<CounterKey, count::CounterDelta> model;
  store->commit(first_flush());
  for (int number = 2; number < 30; ++number) {
    std::map<CounterKey, count::CounterDelta> deltas;
    for (auto left = random() % 300; left > 0; --left) {
      const auto pick = [&](std::uint64_t n) { return static_cast<count::NameId>(random() % n); };
      const CounterKey key{pick(2), pick(2) * kSplit, pick(2) * kPopulation,
                           kAll,    pick(6),          static_cast<std::int32_t>(pick(3)) - 1};
      const auto nanos = static_cast<__int128>(random()) * static_cast<std::int64_t>(random());
      deltas[key] = {static_cast<std::int64_t>(random() % 100) - 30, Decimal::from_units(nanos)};
    }
    Flush flush;
    flush.number = number;
    for (const auto& [key, delta] : deltas) {
      flush.counters.push_back({key, delta});
      model[key].count += delta.count;
      model[key].value += delta.value;
    }
    if (random() % 4 == 0) store = place.open();
    store->commit(flush);
  }
  const auto names = std::vector<std::string>{"", "buy", "all", "0", "color", "red"};
  const auto reader = place.open_reader();
  for (const auto& [key, expected] : model) {
    if (key.split == 0 && key.population != 0) continue;  // no question is asked so
    const CounterQuery query{names[key.goal], names[key.split], names[key.population],
                             names[key.rollup], key.site};
    const auto found = reader->counter(query, names[key.bucket]);
    BOOST_TEST(found.count == expected.count);
    BOOST_TEST(found.value.to_string() == expected.value.to_string());
  }
}
