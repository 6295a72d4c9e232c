// SPDX-License-Identifier: MIT
// What a database server can do to a store, each against a real MariaDB: MySQL's own pitfalls.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE store_server
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>
#include <thread>

#include "store/mysql_connection.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/databases.h"
#include "tests/support/flushes.h"
#include "tests/support/mariadb.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::store;
using tests::check_flushes;
using tests::CuttingProxy;
using tests::Database;
using tests::flush_of;
using tests::MariaDb;

namespace {

constexpr const char* kKillOthers =
    "BEGIN NOT ATOMIC FOR c IN (SELECT id FROM information_schema.processlist"
    " WHERE id <> CONNECTION_ID() AND user = 'root') DO KILL c.id; END FOR; END";

/// A variable of the server's own, until it goes.
class GlobalSetting {
 public:
  GlobalSetting(const std::string& name, const std::string& value, const std::string& afterwards)
      : reset_("SET GLOBAL " + name + " = " + afterwards) {
    MariaDb::instance().execute("SET GLOBAL " + name + " = " + value);
  }
  ~GlobalSetting() { MariaDb::instance().execute(reset_); }

 private:
  const std::string reset_;
};

}  // namespace

// Connection::commit() of the client library returns as if all were well.
BOOST_AUTO_TEST_CASE(a_commit_that_fails_says_so) {
  const auto place = tests::new_place(Database::mariadb);
  place.open()->commit(flush_of(1, 3));
  MysqlConnection connection(place, Access::write);
  Transaction transaction(connection, begin_write(Dialect::mysql));
  run(connection, "UPDATE counter SET count = 99");
  tests::change(place, kKillOthers);
  BOOST_CHECK_EXCEPTION(transaction.commit(), StoreError, tests::may_be_retried);
  check_flushes(place, 1, 3);
}

BOOST_DATA_TEST_CASE(a_commit_that_went_unanswered_is_told_by_the_flush_number,
                     boost::unit_test::data::make({CuttingProxy::Cut::before,
                                                   CuttingProxy::Cut::after}),
                     cut) {
  auto& server = MariaDb::instance();
  const auto place = tests::new_place(Database::mariadb);
  place.open()->commit(flush_of(1, 3));
  const auto path = server.folder() + "/proxy.sock";
  CuttingProxy proxy(path, server.socket_path(), cut);
  const auto store =
      Location::parse("mysql://root@localhost/" + place.parts().database + "?unix_socket=" + path)
          .open();
  store->commit(flush_of(2, 3));
  proxy.arm();
  BOOST_CHECK_EXCEPTION(store->commit(flush_of(3, 3)), StoreError, tests::may_be_retried);
  const auto again = place.open();
  const auto reached = again->load().flush_number;
  BOOST_TEST(reached == (cut == CuttingProxy::Cut::before ? 2 : 3));
  again->commit(flush_of(reached + 1, 3));
  check_flushes(place, reached + 1, 3);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_that_the_server_closed_is_made_anew_without_a_word) {
  const auto place = tests::new_place(Database::mariadb);
  std::unique_ptr<Store> store;
  {
    const GlobalSetting impatient("wait_timeout", "1", "DEFAULT");
    store = place.open();
    store->claim();
    store->commit(flush_of(1, 3));
    const auto* const ours =
        "SELECT count(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
        " AND db = DATABASE()";
    while (tests::ask(place, ours, 1).at(0) != "0") std::this_thread::yield();
  }
  store->commit(flush_of(2, 3));
  check_flushes(place, 2, 3);
  BOOST_CHECK_EXCEPTION(place.open()->claim(), StoreError, tests::may_be_retried);
}

BOOST_AUTO_TEST_CASE(the_victim_of_a_deadlock_retries_its_whole_flush) {
  const auto place = tests::new_place(Database::mariadb);
  place.open()->commit(flush_of(1, 50));
  const GlobalSetting patience("innodb_lock_wait_timeout", "60", "1");
  MysqlConnection other(place, Access::write);
  other.execute("START TRANSACTION");
  run(other, "UPDATE visitor SET history = 'much more work than the flush has done so far'");
  run(other, "UPDATE counter SET value = value + 1 WHERE site = 7");
  std::string failure;
  std::thread flusher([&] {
    try {
      place.open()->commit(flush_of(2, 50));
    } catch (const StoreError& error) {
      if (tests::may_be_retried(error)) failure = error.what();
    }
  });
  // Not innodb_trx, which stands still for as long as it is asked again and again.
  const auto* const flushes_counters =
      "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'INSERT INTO counter%'";
  while (tests::ask(place, flushes_counters, 1).at(0) == "0") std::this_thread::yield();
  run(other, "UPDATE meta SET value = value WHERE name = 'flush_number'");
  flusher.join();
  BOOST_TEST(failure.find("(1213)") != std::string::npos, failure);
  other.rollback();
  check_flushes(place, 1, 50);
  place.open()->commit(flush_of(2, 50));
  check_flushes(place, 2, 50);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_too_long_is_refused_and_never_cut) {
  const GlobalSetting careless("sql_mode", "''", "DEFAULT");
  const auto place = tests::new_place(Database::mariadb);
  const auto store = place.open();
  auto flush = flush_of(1, 1);
  flush.visitors = tests::rows({{std::string(1025, 'v'), true, "h"}});
  BOOST_CHECK_EXCEPTION(store->commit(flush), StoreError, tests::is_final);
  check_flushes(place, 0, 1);
}

BOOST_AUTO_TEST_CASE(keys_that_differ_by_blanks_or_case_are_different) {
  const auto place = tests::new_place(Database::mariadb);
  auto flush = flush_of(1, 1);
  std::vector<count::VisitorRow> visitors;
  for (const auto* key : {"key", "key ", "key  ", "KEY", "k\xc3\xa9y", "key\t"})
    visitors.push_back({key, true, key});
  flush.visitors = tests::rows(visitors);
  place.open()->commit(flush);
  for (const auto& row : visitors)
    BOOST_TEST(place.open()->find_visitors(std::vector{row.visitor}).at(0).history == row.visitor);
}

BOOST_AUTO_TEST_CASE(an_answer_read_in_part_stops_no_later_question) {
  const auto place = tests::new_place(Database::mariadb);
  place.open()->commit(flush_of(1, 3));
  MysqlConnection connection(place, Access::write);
  auto rows = query(connection, "SELECT site FROM counter ORDER BY site");
  BOOST_TEST(rows.next());
  BOOST_TEST(run(connection, "UPDATE counter SET count = 8") == 3);
  BOOST_TEST(rows.next());
  BOOST_TEST(rows.integer(0) == 1);
}

BOOST_AUTO_TEST_CASE(the_server_refuses_a_stranger_for_good) {
  auto& server = MariaDb::instance();
  server.new_database();
  server.execute("CREATE USER u@localhost IDENTIFIED BY 'right'");
  for (const auto& url :
       {server.url("u:wrong", "d1"), server.url("u:right", "d1"), server.url("root", "missing"),
        server.url("root", "d1", "&ssl_ca=/etc/ssl/certs/ca-certificates.crt")})
    BOOST_CHECK_EXCEPTION(Location::parse(url).open(), StoreError, [](const StoreError& error) {
      const std::string what = error.what();
      BOOST_TEST_MESSAGE(what);
      return tests::is_final(error) && what.find("wrong") == std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(tls_is_verified_where_an_authority_is_named) {
  const auto certificate = [](const std::string& name) {
    const auto path = tests::temporary_path(name);
    const auto command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" +
        name + " -keyout " + path + ".key -out " + path + ".pem 2>/dev/null";
    BOOST_REQUIRE(std::system(command.c_str()) == 0);
    return path;
  };
  auto& server = MariaDb::instance();
  const auto database = Location::parse(server.new_database()).parts().database;
  const auto ours = certificate("localhost"), other = certificate("elsewhere");
  const auto place = [&](const std::string& authority) {
    return Location::parse(server.url("root", database, "&ssl_ca=" + authority + ".pem"));
  };
  server.restart({"--ssl-cert=" + ours + ".pem", "--ssl-key=" + ours + ".key"});
  place(ours).open()->commit(flush_of(1, 1));
  BOOST_TEST(tests::ask(place(ours), "SHOW STATUS LIKE 'Ssl_cipher'", 2).at(0) != "Ssl_cipher|");
  BOOST_CHECK_THROW(place(other).open(), StoreError);
  BOOST_CHECK_THROW(place(tests::temporary_path("missing")).open(), StoreError);
  server.restart({"--ssl-cert=" + other + ".pem", "--ssl-key=" + other + ".key"});
  BOOST_CHECK_THROW(place(other).open(), StoreError);  // of another host
  server.restart();
}

BOOST_AUTO_TEST_CASE(a_lock_held_too_long_may_be_retried) {
  const auto place = tests::new_place(Database::mariadb);
  place.open()->commit(flush_of(1, 3));
  MysqlConnection other(place, Access::write);
  other.execute("START TRANSACTION");
  run(other, "UPDATE counter SET count = count WHERE site = 1");
  auto store = place.open();
  BOOST_CHECK_EXCEPTION(store->commit(flush_of(2, 3)), StoreError, tests::may_be_retried);
  other.rollback();
  check_flushes(place, 1, 3);
  place.open()->commit(flush_of(2, 3));
  check_flushes(place, 2, 3);
}

BOOST_AUTO_TEST_CASE(a_killed_connection_may_be_retried_and_an_idle_reader_connects_anew) {
  const auto place = tests::new_place(Database::mariadb);
  auto store = place.open();
  store->commit(flush_of(1, 3));
  const auto reader = place.open_reader(), idle = place.open_reader();
  BOOST_TEST(idle->pointer() == "log:1");
  reader->begin();
  tests::change(place, kKillOthers);
  BOOST_CHECK_EXCEPTION(store->commit(flush_of(2, 3)), StoreError, tests::may_be_retried);
  BOOST_CHECK_THROW(reader->pointer(), StoreError);
  BOOST_CHECK_THROW(reader->pointer(), StoreError);  // no other state in the same snapshot
  place.open()->commit(flush_of(2, 3));
  check_flushes(place, 2, 3);
  for (auto* again : {reader.get(), idle.get()}) {
    again->begin();
    BOOST_TEST(again->pointer() == "log:2");
  }
}

BOOST_AUTO_TEST_CASE(histories_beyond_a_packet_are_split_or_refused) {
  const auto place = tests::new_place(Database::mariadb);
  auto flush = flush_of(1, 1);
  std::vector<count::VisitorRow> visitors;
  for (int i = 0; i < 40; ++i)
    visitors.push_back({std::to_string(i), true, std::string(1 << 20, char('a' + i % 26))});
  flush.visitors = tests::rows(visitors);
  place.open()->commit(flush);
  const auto rows = place.open()->find_visitors(std::vector<std::string>{"7", "39"});
  BOOST_REQUIRE(rows.size() == 2u);
  BOOST_TEST(rows[0].history.size() + rows[1].history.size() == 2u << 20);
  auto store = place.open();
  flush = flush_of(2, 1);
  flush.visitors = tests::rows({{"huge", true, std::string(20 << 20, 'x')}});
  BOOST_CHECK_EXCEPTION(store->commit(flush), StoreError, tests::is_final);
  check_flushes(place, 1, 1);
}

BOOST_AUTO_TEST_CASE(a_server_killed_at_any_time_has_each_flush_once) {
  constexpr int kCounters = 1000;
  const auto place = tests::new_place(Database::mariadb);
  std::mt19937_64 random(tests::seed());
  std::int64_t committed = 0;
  for (int round = 0; round < 8; ++round) {
    auto store = place.open();
    auto killer = MariaDb::instance().kill9_within(std::chrono::milliseconds(200), random);
    std::int64_t told = committed;
    try {
      for (;;) {
        store->commit(flush_of(told + 1, kCounters));
        ++told;
      }
    } catch (const StoreError& error) {
      BOOST_TEST(tests::may_be_retried(error), error.what());
    }
    killer.join();
    BOOST_CHECK_EXCEPTION(place.open(), StoreError, tests::may_be_retried);
    MariaDb::instance().restart();
    committed = place.open()->load().flush_number;
    BOOST_TEST((committed == told || committed == told + 1));
    check_flushes(place, committed, kCounters);
  }
  BOOST_TEST_MESSAGE(committed << " flushes committed");
}
