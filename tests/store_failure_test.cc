// SPDX-License-Identifier: MIT
// What a store promises when its database fails, or when it is told nonsense.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE store_failure
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <random>
#include <thread>

#include "store/mysql_connection.h"
#include "tests/support/databases.h"
#include "tests/support/mariadb.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::store;
using count::Flush;
using tests::Database;
using tests::MariaDb;

namespace {

const auto kBoth = boost::unit_test::data::make(tests::kDatabases);

/// Flush `number`, which adds 1 to each of `counters` counters and to its own count of visitors.
Flush flush_of(std::int64_t number, int counters) {
  Flush flush;
  flush.number = number;
  if (number == 1) flush.names = {{1, "buy"}, {2, "all"}, {3, "0"}};
  for (int i = 0; i < counters; ++i)
    flush.counters.push_back({{1, 0, 0, 2, 3, i}, {1, Decimal::from_integer(1)}});
  for (int i = 0; i < counters; ++i)
    flush.visitors.push_back({"v" + std::to_string(i), true, std::string(200, 'h')});
  flush.pointer = "log:" + std::to_string(number);
  return flush;
}

/// The store is exactly what `number` flushes of flush_of make.
void check_flushes(const Location& place, std::int64_t number, int counters) {
  const auto state = place.open()->load();
  BOOST_TEST(state.flush_number == number);
  BOOST_TEST(state.pointer == (number == 0 ? "" : "log:" + std::to_string(number)));
  const auto sum = std::to_string(number * counters);
  const auto line = tests::ask(place, "SELECT coalesce(sum(count), 0) FROM counter", 1).at(0);
  BOOST_TEST(line.substr(0, line.find('.')) == sum);
}

struct BadUrl {
  const char* url;
  const char* says;
};
std::ostream& operator<<(std::ostream& out, const BadUrl& bad) { return out << bad.url; }

const BadUrl kBadUrls[] = {
    {"", "malformed store"},
    {"test.db", "malformed store"},
    {"postgres://u:secret@h/d", "unknown kind of store 'postgres'"},
    {"sqlite://", "no file named"},
    {"sqlite:///", "no file named"},
    {"sqlite://test.db", "no file named"},
    {"sqlite:///:memory:", "would forget everything"},
    {"sqlite:///folder/", "is a folder"},
    {"sqlite:///a%zz", "bad % escape in the store's path"},
    {"sqlite:///a%4", "bad % escape in the store's path"},
    {"sqlite:///a%00b", "zero byte in the store's path"},
    {"sqlite:///a?mode=ro", "unknown parameter 'mode'"},
    {"mysql://u:secret@h", "no database named"},
    {"mysql://u:secret@h/", "no database named"},
    {"mysql://u:secret@h:port/d", "bad port"},
    {"mysql://u:secret@h:0/d", "bad port"},
    {"mysql://u:secret@h:65536/d", "bad port"},
    {"mysql://u:sec/ret@h/d", "bad port or database"},
    {"mysql://u:12/secret@h/d", "bad port or database"},
    {"mysql://u:secret%@h/d", "bad % escape in the store's password"},
    {"mysql://u:secret@h/d?sslca=x", "unknown parameter 'sslca'"},
    {"mysql://u:secret@h/d?unix_socket", "parameter 'unix_socket' of the store's URL has no value"},
    {"mysql://u:secret@h/d?ssl_key=x", "need ssl_ca"},
};

struct GoodUrl {
  const char* url;
  const char* shown;  ///< to_string()
  const char* password;
  const char* database;
};
std::ostream& operator<<(std::ostream& out, const GoodUrl& good) { return out << good.url; }

const GoodUrl kGoodUrls[] = {
    {"sqlite:///test.db", "sqlite:///test.db", "", "test.db"},
    {"sqlite:////tmp/a%20b%25.db", "sqlite:////tmp/a%20b%25.db", "", "/tmp/a b%.db"},
    {"mysql://u:p@h:3307/d", "mysql://u@h:3307/d", "p", "d"},
    {"mysql://u:p%40%2F%3a@h/d", "mysql://u@h/d", "p@/:", "d"},
    {"mysql://u:p@q@h/d", "mysql://u@h/d", "p@q", "d"},
    {"mysql://[::1]:3306/d", "mysql://[::1]:3306/d", "", "d"},
    {"mysql://u@/d?unix_socket=/run/a%26b.sock&ssl_ca=/ca.pem",
     "mysql://u@/d?ssl_ca=/ca.pem&unix_socket=/run/a%26b.sock", "", "d"},
};

}  // namespace

BOOST_DATA_TEST_CASE(a_bad_url_is_one_line_without_the_password,
                     boost::unit_test::data::make(kBadUrls), bad) {
  BOOST_CHECK_EXCEPTION(Location::parse(bad.url), ConfigError, [&](const ConfigError& error) {
    const std::string what = error.what();
    BOOST_TEST(what.find(bad.says) != std::string::npos, what);
    return what.find("secret") == std::string::npos && what.find('\n') == std::string::npos;
  });
}

BOOST_DATA_TEST_CASE(a_good_url_is_shown_without_the_password,
                     boost::unit_test::data::make(kGoodUrls), good) {
  const auto place = Location::parse(good.url);
  BOOST_TEST(place.parts().password == good.password);
  BOOST_TEST(place.parts().database == good.database);
  BOOST_TEST(place.to_string() == good.shown);
  BOOST_TEST(Location::parse(place.to_string()).to_string() == good.shown);
}

BOOST_DATA_TEST_CASE(a_flush_out_of_turn_is_refused_and_leaves_nothing, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto ours = place.open();
  const auto others = place.open();
  ours->commit(flush_of(1, 3));
  ours->commit(flush_of(2, 3));
  BOOST_CHECK_EXCEPTION(others->commit(flush_of(2, 3)), StoreError, tests::is_final);
  BOOST_CHECK_EXCEPTION(place.open()->commit(flush_of(4, 3)), StoreError, tests::is_final);
  check_flushes(place, 2, 3);
  ours->commit(flush_of(3, 3));
  check_flushes(place, 3, 3);
}

BOOST_DATA_TEST_CASE(a_flush_that_fails_late_leaves_nothing, kBoth, database) {
  const auto place = tests::new_place(database);
  place.open()->commit(flush_of(1, 3));
  auto flush = flush_of(2, 3);
  flush.names = {{4, "new"}, {5, "buy"}};  // a name that has a number already
  BOOST_CHECK_EXCEPTION(place.open()->commit(flush), StoreError, tests::is_final);
  BOOST_TEST(!place.open()->find_name("new"));
  tests::change(place, "DROP TABLE segment");
  flush = flush_of(2, 3);
  flush.segments = {{"file", 1}};
  BOOST_CHECK_EXCEPTION(place.open()->commit(flush), StoreError, tests::is_final);
  const auto line = tests::ask(place, "SELECT sum(count) FROM counter", 1).at(0);
  BOOST_TEST(line.substr(0, 1) == "3");
}

BOOST_DATA_TEST_CASE(a_store_of_a_later_version_is_refused, kBoth, database) {
  const auto place = tests::new_place(database);
  place.open();
  tests::change(place, "UPDATE meta SET value = x'3939' WHERE name = 'schema_version'");
  BOOST_CHECK_THROW(place.open(), ConfigError);
  BOOST_CHECK_THROW(place.open_reader()->begin(), ConfigError);
}

BOOST_DATA_TEST_CASE(tables_of_another_program_are_left_alone, kBoth, database) {
  const auto place = tests::new_place(database);
  tests::change(place, "CREATE TABLE visitor (name INTEGER)");
  BOOST_CHECK_THROW(place.open(), ConfigError);
  BOOST_TEST(tests::ask(place, "SELECT count(*) FROM visitor", 1).at(0) == "0");
  BOOST_CHECK_THROW(tests::ask(place, "SELECT count(*) FROM meta", 1), StoreError);
}

BOOST_DATA_TEST_CASE(processes_that_open_a_new_store_at_once_all_get_it, kBoth, database) {
  const auto place = tests::new_place(database);
  int gate[2];
  BOOST_REQUIRE(::pipe(gate) == 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    ::close(gate[1]);
    char byte;
    (void)!::read(gate[0], &byte, 1);  // until all are there
    try {
      ::_exit(place.open()->load().flush_number == 0 ? 0 : 1);
    } catch (const Error& error) {
      (void)!::write(STDERR_FILENO, error.what(), std::string_view(error.what()).size());
      ::_exit(2);
    }
  }
  ::close(gate[0]);
  ::close(gate[1]);
  for (const auto child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    BOOST_TEST(status == 0);
  }
  place.open()->commit(flush_of(1, 1));
  check_flushes(place, 1, 1);
}

BOOST_DATA_TEST_CASE(a_reader_without_a_store_says_so_and_finds_it_later, kBoth, database) {
  const auto place = tests::new_place(database);
  const auto reader = place.open_reader();
  BOOST_CHECK_THROW(reader->begin(), StoreError);
  BOOST_CHECK_THROW(reader->pointer(), StoreError);
  place.open()->commit(flush_of(1, 1));
  reader->begin();
  BOOST_TEST(reader->pointer() == "log:1");
  reader->end();
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_a_store_is_named) {
  const auto refuses = [](const std::string& path, const char* says) {
    const auto place = Location::parse("sqlite:///" + path);
    BOOST_CHECK_EXCEPTION(place.open(), StoreError, [&](const StoreError& error) {
      const std::string what = error.what();
      BOOST_TEST(what.find(says) != std::string::npos, what);
      return what.find(path) != std::string::npos && tests::is_final(error);
    });
  };
  refuses(tests::temporary_path("missing/test.db"), "No such file or directory");
  BOOST_TEST(::access(tests::temporary_path("missing").c_str(), F_OK) != 0);
  ::mkdir(tests::temporary_path("folder.db").c_str(), 0700);
  refuses(tests::temporary_path("folder.db"), "Is a directory");
  const auto text = tests::temporary_path("text.db");
  std::ofstream(text) << std::string(5000, 'x');
  refuses(text, "not an SQLite database");
}

BOOST_AUTO_TEST_CASE(a_full_disk_loses_no_flush) {
  const auto place = tests::new_place(Database::sqlite);
  place.open()->commit(flush_of(1, 10));
  auto store = place.open();
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{200'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  BOOST_CHECK_EXCEPTION(store->commit(flush_of(2, 5000)), StoreError, tests::may_be_retried);
  BOOST_CHECK_EXCEPTION(place.open()->commit(flush_of(2, 5000)), StoreError, tests::may_be_retried);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, ignored);
  check_flushes(place, 1, 10);
  place.open()->commit(flush_of(2, 10));
  check_flushes(place, 2, 10);
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
    const auto command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=" + name +
                         " -keyout " + path + ".key -out " + path + ".pem 2>/dev/null";
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
  tests::change(place,
                "BEGIN NOT ATOMIC FOR c IN (SELECT id FROM information_schema.processlist"
                " WHERE id <> CONNECTION_ID() AND user = 'root') DO KILL c.id; END FOR; END");
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
  flush.visitors.clear();
  for (int i = 0; i < 40; ++i)
    flush.visitors.push_back({std::to_string(i), true, std::string(1 << 20, char('a' + i % 26))});
  place.open()->commit(flush);
  const auto rows = place.open()->find_visitors(std::vector<std::string>{"7", "39"});
  BOOST_REQUIRE(rows.size() == 2u);
  BOOST_TEST(rows[0].history.size() + rows[1].history.size() == 2u << 20);
  auto store = place.open();
  flush = flush_of(2, 1);
  flush.visitors = {{"huge", true, std::string(20 << 20, 'x')}};
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
    const auto yields = random() % 600'000;
    std::thread killer([&] {
      for (auto left = yields; left > 0; --left) std::this_thread::yield();
      MariaDb::instance().kill9();
    });
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
