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

#include "tests/support/databases.h"
#include "tests/support/flushes.h"

using namespace manhattan;
using namespace manhattan::store;
using count::Flush;
using tests::check_flushes;
using tests::Database;
using tests::flush_of;

namespace {

const auto kBoth = boost::unit_test::data::make(tests::kDatabases);

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

BOOST_DATA_TEST_CASE(a_number_in_the_store_that_is_none_is_named, kBoth, database) {
  const auto place = tests::new_place(database);
  place.open()->commit(flush_of(1, 3));
  const auto says = [](const std::string& what) {
    return [what](const StoreError& error) {
      return std::string(error.what()).find(what) != std::string::npos && tests::is_final(error);
    };
  };
  tests::change(place, "UPDATE meta SET value = x'3178' WHERE name = 'flush_number'");
  BOOST_CHECK_EXCEPTION(place.open()->load(), StoreError, says("flush_number is no number"));
}

BOOST_AUTO_TEST_CASE(a_counters_value_that_is_no_number_is_never_added_to) {
  const auto place = tests::new_place(Database::sqlite);
  place.open()->commit(flush_of(1, 3));
  tests::change(place, "UPDATE counter SET value = 'x'");
  const auto says = [](const std::string& what) {
    return [what](const StoreError& error) {
      return std::string(error.what()).find(what) != std::string::npos && tests::is_final(error);
    };
  };
  BOOST_CHECK_EXCEPTION(place.open()->commit(flush_of(2, 3)), StoreError,
                        says("a value is not a decimal number"));
  BOOST_TEST(tests::ask(place, "SELECT DISTINCT value FROM counter", 1).at(0) == "x");
  BOOST_CHECK_EXCEPTION(place.open_reader()->counter({.goal = "buy", .site = 0}, "0"), StoreError,
                        says("a value is no number"));
}

BOOST_DATA_TEST_CASE(a_store_of_a_later_version_is_refused, kBoth, database) {
  const auto place = tests::new_place(database);
  place.open();
  tests::change(place, "UPDATE meta SET value = x'3939' WHERE name = 'schema_version'");
  BOOST_CHECK_THROW(place.open(), ConfigError);
  BOOST_CHECK_THROW(place.open_reader()->begin(), ConfigError);
}

// Whatever of another program has a name of ours: nothing is made beside it, nothing changed.
const char* const kForeign[] = {
    "CREATE TABLE visitor (name INTEGER)",
    "CREATE TABLE conversion_counts (name INTEGER)",
    "CREATE TABLE Segment (file INTEGER, offset_bytes INTEGER)",
    "CREATE TABLE meta (name INTEGER, owner INTEGER)",
    "CREATE TABLE meta (name VARCHAR(20), value VARCHAR(20));"
    "INSERT INTO meta VALUES ('version', '7')",
    "CREATE TABLE meta (name VARCHAR(20), value VARCHAR(20)); CREATE TABLE counter (id INTEGER)",
    "CREATE VIEW impression_counts AS SELECT 1 AS name",
};

BOOST_DATA_TEST_CASE(what_another_program_made_is_left_alone,
                     kBoth* boost::unit_test::data::make(kForeign), database, foreign) {
  const auto place = tests::new_place(database);
  std::string_view rest = foreign;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    tests::change(place, std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto* const everything =
      database == Database::sqlite
          ? "SELECT group_concat(name) FROM sqlite_master"
          : "SELECT group_concat(table_name) FROM information_schema.tables"
            " WHERE table_schema = DATABASE()";
  const auto before = tests::ask(place, everything, 1);
  BOOST_CHECK_EXCEPTION(place.open(), ConfigError, [](const ConfigError& error) {
    return std::string(error.what()).find("of another program") != std::string::npos;
  });
  BOOST_CHECK_THROW(place.open_reader()->begin(), ConfigError);
  BOOST_TEST(tests::ask(place, everything, 1) == before);
  if (database == Database::sqlite)
    BOOST_TEST(tests::ask(place, "PRAGMA journal_mode", 1).at(0) == "delete");
}

BOOST_DATA_TEST_CASE(a_store_that_one_program_counts_into_is_refused_to_others, kBoth, database) {
  const auto place = tests::new_place(database);
  auto first = place.open();
  first->claim();
  BOOST_CHECK_EXCEPTION(place.open()->claim(), StoreError, [](const StoreError& error) {
    return std::string(error.what()).find("another program counts into it") != std::string::npos;
  });
  first->commit(flush_of(1, 1));
  first.reset();
  place.open()->claim();
}

BOOST_AUTO_TEST_CASE(a_new_store_is_not_for_everybody_to_read) {
  const auto before = ::umask(022);
  const auto place = tests::new_place(Database::sqlite);
  auto store = place.open();
  for (const int number : {1, 2}) store->commit(flush_of(number, 1));  // the first needs no log
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    BOOST_REQUIRE(::stat((place.parts().database + suffix).c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777) == 0640u);
  }
  BOOST_TEST(!place.is_readable_by_all());
  ::umask(before);
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
