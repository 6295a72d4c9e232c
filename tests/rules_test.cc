// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE rules
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>

#include "base/error.h"
#include "count/complex_goal.h"
#include "count/names.h"
#include "count/rollup.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::count;
namespace data = boost::unit_test::data;
using std::chrono::seconds;

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

const char* const kBadRollups[] = {"",        "=all",      "x=",     "nonsense", "day:Nowhere/Else",
                                   "all:UTC", "ip:24",     "ip:/33", "path:(",   "query",
                                   "header:", "browser:x", "x=day:"};

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

BOOST_AUTO_TEST_CASE(names_unknown_to_memory_are_asked_for) {
  Names names(
      7,
      [](std::string_view name) { return name == "old" ? std::optional<NameId>(3) : std::nullopt; },
      {}, 1);
  BOOST_TEST(names.id_of("old") == 3u);
  BOOST_TEST(names.known("old").value() == 3u);
  BOOST_TEST(!names.known("new"));
  BOOST_TEST(names.id_of("new") == 8u);
  BOOST_TEST(names.new_names().size() == 1u);
  names.clear_new();
  BOOST_TEST(names.id_of("newer") == 9u);
}
