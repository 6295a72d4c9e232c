// SPDX-License-Identifier: MIT
// How a store grows: into the next version of its schema, and not without bound.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE store_growth
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "store/schema.h"
#include "tests/support/databases.h"
#include "tests/support/flushes.h"
#include "tests/support/mariadb.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::store;
using tests::Database;

namespace {

const auto kBoth = boost::unit_test::data::make(tests::kDatabases);

Dialect dialect_of(Database database) {
  return database == Database::sqlite ? Dialect::sqlite : Dialect::mysql;
}

/// A store as the first version of the schema made it, with a row in each table.
Location version_1(Database database) {
  const auto place = tests::new_place(database);
  const auto name = database == Database::sqlite ? "store-1-sqlite.sql" : "store-1-mysql.sql";
  const auto made = base::read_file(tests::data_path(name));
  for (const auto statement : base::split(made, ';'))
    if (statement.size() > 1) tests::change(place, std::string(statement));
  for (const auto* row :
       {"name VALUES (1, x'627579'), (2, x'616c6c'), (3, x'30'), (4, x'73')",
        "counter VALUES (1, 0, 0, 2, -1, 3, 7, '12.5')", "goal VALUES (1, 'S', 'C')",
        "square VALUES (1, 4, 4, -1, '2.25')", "split VALUES (4, 5, 6)",
        "visitor VALUES (x'616e6e', 1, x'0102'), (x'626f74', 0, x'0103')",
        "tally VALUES ('record_page', 9)", "segment VALUES (x'2f6c6f672e30', 42)",
        "meta VALUES ('setting.zone', x'555443')"})
    tests::change(place, std::string("INSERT INTO ") + row);
  tests::change(place, "UPDATE meta SET value = x'31' WHERE name = 'flush_number'");
  tests::change(place, "UPDATE meta SET value = x'2f6c6f67' WHERE name = 'pointer'");
  return place;
}

void check_counters(const Location& place) {
  const auto reader = place.open_reader();
  reader->begin();
  BOOST_TEST(reader->counter({.goal = "buy"}, "0").count == 7);
  BOOST_TEST(reader->counter({.goal = "buy"}, "0").value.to_string() == "12.5");
  BOOST_TEST(reader->goal("buy")->value_type == 'S');
  BOOST_TEST(reader->square({.goal = "buy", .split = "s", .population = "s"}).to_string() ==
             "2.25");
  BOOST_TEST(reader->splits().at(0).last_at.time_since_epoch().count() == 6);
  BOOST_TEST(reader->tallies()["record_page"] == 9);
  BOOST_TEST(reader->pointer() == "/log");
  reader->end();
}

/// All of version_1() is there, in the present version, and counting goes on.
void check_brought_up(const Location& place) {
  const auto store = place.open();
  BOOST_TEST(tests::ask(place, "SELECT value FROM meta WHERE name = 'schema_version'", 1).at(0) ==
             std::to_string(kSchemaVersion));
  check_counters(place);
  const auto state = store->load();
  BOOST_TEST(state.flush_number == 1);
  BOOST_TEST(state.settings.at("zone") == "UTC");
  BOOST_TEST(state.segments.at(0).offset == 42u);
  const auto rows = store->find_visitors(std::vector<std::string>{"ann", "bot"});
  BOOST_REQUIRE(rows.size() == 2u);
  for (const auto& row : rows) {
    BOOST_TEST(row.is_human == (row.visitor == "ann"));
    BOOST_TEST(row.history == (row.visitor == "ann" ? "\1\2" : "\1\3"));
    BOOST_TEST(row.last_s == 0);
  }
  count::Flush flush;
  flush.number = 2;
  flush.visitors = tests::rows({{"bot", false, "\1\4", 100}});
  flush.pointer = "/log";
  store->commit(flush);
  BOOST_TEST(store->find_visitors(std::vector<std::string>{"bot"}).at(0).last_s == 100);
}

std::int64_t visitors_in(const Location& place) {
  return std::stoll(tests::ask(place, "SELECT count(*) FROM visitor", 1).at(0));
}

/// Whether the database answers a statement by the index of `last_at`.
bool is_by_index(const Location& place, Database database) {
  std::string sql = forget_visitors(dialect_of(database));
  for (const auto* number : {"200", "1000"}) sql.replace(sql.find('?'), 1, number);
  const bool is_sqlite = database == Database::sqlite;
  std::string plan;
  for (const auto& line :
       tests::ask(place, (is_sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + sql, is_sqlite ? 4 : 9))
    plan += line + '\n';
  BOOST_TEST_MESSAGE(plan);
  return plan.find("visitor_last_at") != std::string::npos;
}

}  // namespace

BOOST_DATA_TEST_CASE(a_store_of_version_1_is_brought_up_and_keeps_all, kBoth, database) {
  const auto place = version_1(database);
  check_brought_up(place);
  BOOST_TEST(place.open()->load().flush_number == 2);
}

BOOST_DATA_TEST_CASE(a_store_of_version_2_is_brought_up_and_keeps_all, kBoth, database) {
  const auto place = version_1(database);
  for (const auto& step : migrations(dialect_of(database), 1)) tests::change(place, step.statement);
  tests::change(place, "UPDATE meta SET value = x'32' WHERE name = 'schema_version'");
  check_brought_up(place);
}

BOOST_DATA_TEST_CASE(a_store_of_version_1_is_read_as_it_stands, kBoth, database) {
  const auto place = version_1(database);
  check_counters(place);
  BOOST_TEST(tests::ask(place, "SELECT value FROM meta WHERE name = 'schema_version'", 1).at(0) ==
             "1");
}

BOOST_DATA_TEST_CASE(a_migration_cut_after_any_step_is_finished, kBoth, database) {
  const auto steps = migrations(dialect_of(database), 1);
  for (std::size_t taken = 0; taken <= steps.size(); ++taken) {
    const auto place = version_1(database);
    for (std::size_t i = 0; i < taken; ++i) tests::change(place, steps[i].statement);
    check_brought_up(place);
  }
}

BOOST_DATA_TEST_CASE(those_who_bring_a_store_up_at_once_all_get_it, kBoth, database) {
  const auto place = version_1(database);
  std::vector<std::string> failures(6);
  std::vector<std::thread> threads;
  for (auto& failure : failures)
    threads.emplace_back([&] {
      try {
        place.open();
      } catch (const Error& error) {
        failure = error.what();
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures) BOOST_TEST(failure == "");
  check_brought_up(place);
}

BOOST_AUTO_TEST_CASE(a_server_killed_while_a_store_is_brought_up_loses_nothing) {
  std::mt19937_64 random(tests::seed());
  for (int round = 0; round < 3; ++round) {
    const auto place = version_1(Database::mariadb);
    tests::change(place,
                  "INSERT INTO visitor SELECT concat('v', seq), 0, repeat('h', 200)"
                  " FROM seq_1_to_20000");
    auto killer = tests::MariaDb::instance().kill9_within(std::chrono::milliseconds(150), random);
    try {
      place.open();
    } catch (const StoreError& error) {
      BOOST_TEST(tests::may_be_retried(error), error.what());
    }
    killer.join();
    tests::MariaDb::instance().restart();
    check_brought_up(place);
    BOOST_TEST(visitors_in(place) == 20'002);
  }
}

BOOST_DATA_TEST_CASE(visitors_without_a_pixel_are_forgotten_some_a_flush, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  count::Flush flush;
  flush.number = 1;
  std::vector<count::VisitorRow> visitors{
      {"human", true, "h", 199}, {"unknown", false, "h", 0}, {"on time", false, "h", 200}};
  for (int i = 0; i < 2500; ++i) visitors.push_back({"old" + std::to_string(i), false, "h", 199});
  flush.visitors = tests::rows(visitors);
  flush.forget_before_s = 200;
  store->commit(flush);
  BOOST_TEST(visitors_in(place) == 2503);
  BOOST_TEST(is_by_index(place, database));
  for (const auto left : {1503, 503, 3, 3}) {
    ++flush.number;
    flush.visitors = {};
    store->commit(flush);
    BOOST_TEST(visitors_in(place) == left);
  }
  BOOST_TEST(place.open_reader()->tallies()["visitor_aged"] == 2500);
  BOOST_TEST(store->find_visitors(std::vector<std::string>{"human", "unknown", "on time"}).size() ==
             3u);
}

BOOST_DATA_TEST_CASE(a_flush_forgets_more_visitors_than_it_brings, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  count::Flush flush;
  for (int number = 1; number <= 6; ++number) {
    flush.number = number;
    std::vector<count::VisitorRow> visitors;
    for (int i = 0; i < 1500; ++i)
      visitors.push_back({std::to_string(1500 * number + i), false, "h", number});
    flush.visitors = tests::rows(visitors);
    flush.forget_before_s = number - 1;
    store->commit(flush);
  }
  BOOST_TEST(visitors_in(place) == 3000);  // of the last two
}

BOOST_DATA_TEST_CASE(a_visitor_who_comes_back_is_not_forgotten, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  count::Flush flush;
  flush.number = 1;
  flush.visitors = tests::rows({{"ann", false, "once", 100}, {"bob", false, "once", 100}});
  store->commit(flush);
  flush.number = 2;
  flush.visitors = tests::rows({{"ann", true, "again", 300}});
  flush.forget_before_s = 200;
  store->commit(flush);
  const auto rows = store->find_visitors(std::vector<std::string>{"ann", "bob"});
  BOOST_REQUIRE(rows.size() == 1u);
  BOOST_TEST(rows[0].history == "again");
}
