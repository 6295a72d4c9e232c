// SPDX-License-Identifier: MIT
// A database that is down for long: the log waits, nothing is lost, memory stays flat.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE outage
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "backend/worker.h"
#include "base/files.h"
#include "tests/support/counted_log.h"
#include "tests/support/mariadb.h"

using namespace manhattan;
using namespace manhattan::tests;

namespace {

// Of 200 MB of log. Sanitizers keep up to 256 MB of what was freed, and need some for each byte.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::int64_t kMostWaiting = 384 << 20, kMostAfter = 384 << 20;
#else
constexpr std::int64_t kMostWaiting = 8 << 20, kMostAfter = 32 << 20;
#endif

/// Resident memory of this process that is not of files, in bytes.
std::int64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoll(line.substr(8)) * 1024;
  return 0;
}

/// A worker that counts a log into MariaDB on a thread of its own.
struct Counting {
  const CountedLog log{Database::mariadb};
  base::SystemFiles files = {};
  backend::Worker worker{log.options, files, log.prefix(), {}, silent()};
  std::thread thread{[this] { worker.run(); }};

  std::int64_t tally(const char* name) { return worker.live_tallies()[name]; }
  void wait_for(const char* name, std::int64_t least) {
    while (tally(name) < least) std::this_thread::yield();
  }
  void stop() {
    worker.stop();
    thread.join();
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_log_waits_for_a_store_that_is_down_and_memory_stays_flat) {
  Counting counting;
  const auto& log = counting.log;
  log.append(3600, human("ann", "bought"));
  counting.wait_for("worker_flushes", 1);
  MariaDb::instance().kill9();
  log.append(3600, human("bob", "bought"));
  counting.wait_for("worker_store_failures", 1);
  const auto before = resident_bytes();
  constexpr std::int64_t kMegabytes = 200;
  std::string megabyte;
  while (megabyte.size() < 1'000'000) megabyte += "0\t" + std::string(4000, 'x') + '\n';
  const auto lines = std::ranges::count(megabyte, '\n');
  constexpr std::int64_t kSegments = kMegabytes / 50;
  for (std::int64_t i = 0; i < kSegments; ++i) {
    const auto hour_s = 3600 * (2 + i);
    log.append(hour_s, human("dan", "seen"));  // without a record it would be no segment
    for (int j = 0; j < 50; ++j) log.append(hour_s, megabyte);
  }
  log.append(36000, human("cat", "bought"));
  const auto failures = counting.tally("worker_store_failures");
  counting.wait_for("worker_store_failures", failures + 1);  // it has looked again since
  const auto grown = resident_bytes() - before;
  BOOST_TEST_MESSAGE(kMegabytes << " MB of log, " << grown / 1024 << " KiB of memory");
  BOOST_TEST(grown < kMostWaiting);
  MariaDb::instance().restart();
  // All but what was read and not committed when the store went is read once.
  counting.wait_for("worker_records", 2 + 2 + kSegments * 2 + kMegabytes * lines + 2);
  counting.stop();
  BOOST_TEST(log.count_of("bought") == 3);
  BOOST_TEST(log.tally("skipped_bad_version") == kMegabytes * lines);
  BOOST_TEST(resident_bytes() - before < kMostAfter);
}

BOOST_AUTO_TEST_CASE(a_database_that_is_dropped_is_waited_for_and_counted_anew) {
  Counting counting;
  const auto& log = counting.log;
  log.append(3600, human("ann", "bought"));
  counting.wait_for("worker_flushes", 1);
  const auto name = log.options.location.parts().database;
  MariaDb::instance().execute("DROP DATABASE " + name);
  log.append(3600, human("bob", "bought"));
  counting.wait_for("worker_store_failures", 2);
  const auto flushes = counting.tally("worker_flushes");
  MariaDb::instance().execute("CREATE DATABASE " + name);
  counting.wait_for("worker_flushes", flushes + 1);
  counting.stop();
  BOOST_TEST(log.count_of("bought") == 2);
}
