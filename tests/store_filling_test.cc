// SPDX-License-Identifier: MIT
// The first flush of an SQLite store, which is written without a journal of what is new.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE store_filling
#include <boost/test/unit_test.hpp>

#include "store/sqlite_connection.h"
#include "tests/support/databases.h"

using namespace manhattan;
using namespace manhattan::store;

namespace {

constexpr count::CounterKey kBuys{1, 0, 0, 2, 3, count::kAllSites};

count::Flush first_flush() {
  count::Flush flush;
  flush.number = 1;
  flush.names = {{1, "buy"}, {2, "all"}, {3, "0"}};
  flush.counters = {{kBuys, {7, {}}}};
  return flush;
}

std::string journal_of(const Location& place) {
  SqliteConnection connection(place, Access::read);
  auto rows = query(connection, "PRAGMA journal_mode");
  BOOST_REQUIRE(rows.next());
  return rows.bytes(0);
}

std::int64_t buys(Reader& reader) { return reader.counter({.goal = "buy"}, "0").count; }

}  // namespace

BOOST_AUTO_TEST_CASE(readers_and_the_writer_do_without_each_other_ever_after) {
  const auto place = tests::new_place(tests::Database::sqlite);
  const auto store = place.open();
  store->commit(first_flush());
  BOOST_TEST(journal_of(place) == "wal");
  BOOST_TEST(buys(*place.open_reader()) == 7);
}

BOOST_AUTO_TEST_CASE(whoever_reads_meanwhile_sees_one_state) {
  const auto place = tests::new_place(tests::Database::sqlite);
  const auto store = place.open();
  const auto reader = place.open_reader();
  reader->begin();
  BOOST_TEST(buys(*reader) == 0);
  store->commit(first_flush());
  BOOST_TEST(buys(*reader) == 0);
  reader->end();
  BOOST_TEST(buys(*reader) == 7);
  BOOST_TEST(journal_of(place) == "wal");
}

BOOST_AUTO_TEST_CASE(a_store_whose_writer_died_then_is_as_others_once_it_is_opened) {
  const auto place = tests::new_place(tests::Database::sqlite);
  place.open()->commit(first_flush());
  SqliteConnection(place, Access::write).execute("PRAGMA journal_mode = TRUNCATE");
  BOOST_TEST(journal_of(place) != "wal");
  const auto store = place.open();
  BOOST_TEST(journal_of(place) == "wal");
}
