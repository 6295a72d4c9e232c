// SPDX-License-Identifier: MIT
// The logs of tests/data/cases reach the counters that a correct system reaches.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE vectors
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <random>

#include "backend/worker.h"
#include "tests/support/databases.h"
#include "tests/support/vectors.h"

using namespace manhattan;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

base::MessageLog silent("test", base::MessageLog::Level::error, "/dev/null");

/// The options that the vectors were made with.
Backend::Options vector_options(const store::Location& location, std::int64_t flush_every) {
  Backend::Options options;
  options.location = location;
  options.rules.rollups = {count::parse_rollup("all", "UTC"),
                           count::parse_rollup("pst_day=day:America/Los_Angeles", "UTC"),
                           count::parse_rollup("pst_week=week:America/Los_Angeles", "UTC")};
  for (const auto& c : tests::read_json("complex.json")) {
    options.rules.complex_goals.push_back({c[0], c[1], c[2]});
  }
  options.flush_every_records = flush_every;
  options.cache_visitors = flush_every;
  return options;
}

std::string folder_of(const std::string& vector) { return tests::data_path("cases/" + vector); }

void count_once(const std::string& vector, const Backend::Options& options) {
  base::SystemFiles files;
  backend::Worker(options, files, folder_of(vector) + "/log", {}, silent).run_once();
}

/// The local date whose midnight, read as UTC, is `bucket`: how the vectors name a bucket.
std::string own_bucket(const std::string& rollup, const std::string& bucket) {
  if (rollup == "all") return "0";
  const auto at = UnixNanos(std::chrono::seconds(static_cast<std::int64_t>(std::stod(bucket))));
  return count::bucket_of(count::parse_rollup("day", "UTC"), at);
}

/// Holds one table of expected.json against the store; its rows end in `count` and, but for
/// impressions, `value`.
void check_rows(store::Reader& reader, const nlohmann::json& rows, std::size_t names,
                bool has_value,
                const std::function<store::CounterQuery(const nlohmann::json&)>& query) {
  for (const auto& row : rows) {
    if (row[names] == "browser") continue;
    auto asked = query(row);
    asked.rollup = row[names];
    asked.site = row[names + 2];
    const auto counter = reader.counter(asked, own_bucket(asked.rollup, row[names + 1]));
    BOOST_TEST(counter.count == row[names + 3].get<std::int64_t>(), row.dump());
    if (has_value) {
      BOOST_TEST(counter.value.to_double() == row[names + 4].get<double>(),
                 boost::test_tools::tolerance(1e-9));
    }
  }
}

void check_expected(const store::Location& location, const nlohmann::json& expected) {
  const auto reader = location.open_reader();
  check_rows(*reader, expected["conversion_counts"], 1, true, [](const auto& row) {
    return store::CounterQuery{.goal = row[0], .split = "", .population = ""};
  });
  check_rows(*reader, expected["impression_counts"], 2, false, [](const auto& row) {
    return store::CounterQuery{.goal = "", .split = row[0], .population = row[1]};
  });
  check_rows(*reader, expected["variant_conversion_counts"], 3, true, [](const auto& row) {
    return store::CounterQuery{.goal = row[0], .split = row[1], .population = row[2]};
  });
  for (const auto& split : reader->splits()) {
    const auto& test = expected["tests"][split.name];
    const auto second = [](UnixNanos at) {
      return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    };
    BOOST_TEST(second(split.first_at) == test["first"].get<std::int64_t>());
    BOOST_TEST(second(split.last_at) == test["last"].get<std::int64_t>());
  }
  BOOST_TEST(reader->tallies()["visitor_seen"] ==
             expected["visitors"]["total"].get<std::int64_t>());
  BOOST_TEST(reader->tallies()["visitor_human"] ==
             expected["visitors"]["nonbot"].get<std::int64_t>());
}

/// Nothing was counted that is not expected.
void check_rows_of_view(const store::Location& location, const nlohmann::json& expected,
                        const std::string& view, const std::string& condition,
                        std::size_t rollup_at) {
  std::size_t rows = 0;
  for (const auto& row : expected[view]) {
    const bool is_zero =
        row[rollup_at + 3] == 0 && (row.size() <= rollup_at + 4 || row[rollup_at + 4] == 0.0);
    if (row[rollup_at] != "browser" && !is_zero) ++rows;
  }
  const auto found =
      tests::ask(location, "SELECT count(*) FROM " + view + " WHERE " + condition, 1);
  BOOST_TEST(found.at(0) == std::to_string(rows), view);
}

std::string complex_names() {
  std::string names;
  for (const auto& c : tests::read_json("complex.json")) {
    names += (names.empty() ? "'" : ", '") + c[0].get<std::string>() + "'";
  }
  return names;
}

void check_vector(const store::Location& location, const std::string& vector) {
  const auto expected =
      nlohmann::json::parse(base::read_file(folder_of(vector) + "/expected.json"));
  check_expected(location, expected);
  const std::string counted = "count <> 0 OR value + 0 <> 0";
  check_rows_of_view(location, expected, "conversion_counts", counted, 1);
  check_rows_of_view(location, expected, "impression_counts", "count <> 0", 2);
  // The original never counted complex goals for variants, so the vectors have none; we do.
  check_rows_of_view(location, expected, "variant_conversion_counts",
                     "(" + counted + ") AND goal_name NOT IN (" + complex_names() + ")", 3);
}

const char* const kVectors[] = {"1-clean-100", "1-full-100", "2-clean-500", "2-full-500",
                                "3-full-2000"};
const std::int64_t kFlushEvery[] = {20'000, 50};
const auto kBoth = data::make(tests::kDatabases);

}  // namespace

BOOST_DATA_TEST_CASE(vectors_reach_their_counters_however_often_flushed,
                     kBoth* data::make(kVectors) * data::make(kFlushEvery), database, vector,
                     flush_every) {
  const auto location = tests::new_place(database);
  count_once(vector, vector_options(location, flush_every));
  check_vector(location, vector);
}

BOOST_DATA_TEST_CASE(several_threads_count_the_same,
                     kBoth* data::make({"2-full-500", "3-full-2000"}) * data::make({2, 3}),
                     database, vector, threads) {
  const auto location = tests::new_place(database);
  auto options = vector_options(location, 1000);
  options.threads = threads;
  count_once(vector, options);
  check_vector(location, vector);
}

BOOST_DATA_TEST_CASE(one_record_a_flush_is_the_same, kBoth, database) {
  const auto location = tests::new_place(database);
  count_once("1-full-100", vector_options(location, 1));
  check_vector(location, "1-full-100");
}

BOOST_DATA_TEST_CASE(a_counter_killed_again_and_again_counts_the_same, kBoth, database) {
  const auto location = tests::new_place(database);
  const auto options = vector_options(location, 20);
  std::mt19937_64 random(tests::seed());
  bool is_done = false;
  for (int i = 0; i < 1000 && !is_done; ++i) {
    const auto child = fork();
    if (child == 0) {
      try {
        count_once("2-full-500", options);
        _exit(0);
      } catch (...) {
        _exit(1);
      }
    }
    // Any instant will do: killed before it began, in a commit, or after it ended.
    const timespec nap{0, static_cast<long>(random() % 60'000'000)};
    nanosleep(&nap, nullptr);
    kill(child, SIGKILL);
    int status = 0;
    BOOST_REQUIRE(waitpid(child, &status, 0) == child);
    is_done = WIFEXITED(status);
    if (is_done) BOOST_REQUIRE(WEXITSTATUS(status) == 0);
  }
  count_once("2-full-500", options);
  check_vector(location, "2-full-500");
}
