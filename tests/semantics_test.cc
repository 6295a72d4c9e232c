// SPDX-License-Identifier: MIT
// Where the original counted wrong: each case is what is right, from the lines of a log to the
// answer. What is tested closer to where it happens (names, zones, agents, questions) is not
// here again.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE semantics
#include <atomic>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend/worker.h"
#include "base/files.h"
#include "record/text_codec.h"
#include "tests/support/counted_log.h"

using namespace manhattan;
using namespace manhattan::tests;
using backend::Cell;
using backend::Variant;

namespace {

const auto kBoth = boost::unit_test::data::make(kDatabases);
const Cell kBlue{.variant = Variant{"button", "blue"}};

std::string value_of(const CountedLog& log, const std::string& goal, const Cell& cell = {}) {
  return log.answers().goal_value(goal, cell).value.to_decimal().to_string();
}

/// All that a person can see of the store.
std::string everything_in(const CountedLog& log) {
  std::string text;
  for (const auto* sql :
       {"SELECT id, name, '', '' FROM name", "SELECT * FROM goal, split",
        "SELECT visitor, history, '', '' FROM visitor",
        "SELECT goal, bucket, count, value FROM counter", "SELECT name, value, '', '' FROM meta"})
    for (const auto& line : ask(log.options.location, sql, 4)) text += line + '\n';
  return text;
}

/// Counts a log as a server does, until it goes.
class RunningWorker {
 public:
  explicit RunningWorker(const CountedLog& log)
      : worker_(log.options, files_, log.prefix(), {}, silent()),
        thread_([this] { worker_.run(); }) {}
  ~RunningWorker() { stop(); }

  void stop() {
    worker_.stop();
    if (thread_.joinable()) thread_.join();
  }
  void freshen() { worker_.freshen(); }
  std::int64_t tally(const char* name) { return worker_.live_tallies()[name]; }
  void wait_for(const char* name, std::int64_t least) {
    while (tally(name) < least) std::this_thread::yield();
  }

 private:
  base::SystemFiles files_;
  backend::Worker worker_;
  std::thread thread_;
};

}  // namespace

BOOST_DATA_TEST_CASE(further_pixels_replay_nothing, kBoth, database) {
  const CountedLog log(database);
  log.append(3600, goal_line({"ann"}, "bought", "10", "S") + split_line({"ann"}, "button", "blue") +
                       goal_line({"ann"}, "late", "5", "S"));
  for (int i = 0; i < 3; ++i) {
    log.append(3600, pixel_line({"ann"}));
    log.count();
  }
  BOOST_TEST(value_of(log, "bought") == "10");
  BOOST_TEST(value_of(log, "bought", kBlue) == "0");
  BOOST_TEST(log.answers().count("bought", kBlue) == 0);
  BOOST_TEST(value_of(log, "late", kBlue) == "5");
}

BOOST_DATA_TEST_CASE(an_exclude_that_came_first_bars_a_complex_goal, kBoth, database) {
  const CountedLog log(database);
  log.append(3600, pixel_line({"ann"}) + goal_line({"ann"}, "paid"));
  log.count();
  log.append(3600, goal_line({"ann"}, "cart") + human("bob", "cart"));
  log.count();
  BOOST_TEST(log.count_of("left") == 1);
}

BOOST_DATA_TEST_CASE(a_complex_goal_counts_for_variants_and_has_a_value, kBoth, database) {
  const CountedLog log(database);
  log.append(3600, pixel_line({"ann"}) + split_line({"ann"}, "button", "blue") +
                       goal_line({"ann"}, "cart"));
  log.count();
  BOOST_TEST(log.answers().count("left", kBlue) == 1);
  BOOST_TEST(value_of(log, "left") == "1");
  BOOST_TEST(value_of(log, "left", kBlue) == "1");
  BOOST_TEST(log.answers().results("button", {"left"}, count::kAllSites).populations.size() == 1u);
}

BOOST_DATA_TEST_CASE(without_a_site_all_sites_are_meant_and_a_visitor_counts_once, kBoth,
                     database) {
  const CountedLog log(database);
  log.append(3600, pixel_line({"ann"}) + goal_line({"ann", "1", 1}, "bought") +
                       goal_line({"ann", "1", 2}, "bought") + human("bob", "bought"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 2);
  BOOST_TEST(log.answers().count("bought", {.site = 1}) == 2);
  BOOST_TEST(log.answers().count("bought", {.site = 2}) == 1);
}

BOOST_DATA_TEST_CASE(a_rate_is_who_converted_by_who_viewed_whatever_the_values, kBoth, database) {
  const CountedLog log(database);
  log.append(3600, pixel_line({"ann"}) + page_line({"ann"}) + pixel_line({"bob"}) +
                       page_line({"bob"}) + goal_line({"ann"}, "signed up", "7", "R") +
                       goal_line({"ann"}, "signed up", "7", "R"));
  log.count();
  BOOST_TEST(value_of(log, "signed up") == "0.5");
}

BOOST_DATA_TEST_CASE(the_first_type_that_is_not_empty_decides_and_conflicts_are_shown, kBoth,
                     database) {
  const CountedLog log(database);
  log.append(3600, pixel_line({"ann"}) + goal_line({"ann"}, "bought", "4"));
  log.count();
  log.append(3600, goal_line({"ann"}, "bought", "6", "S") + goal_line({"ann"}, "bought", "2", "A"));
  log.count();
  BOOST_TEST(log.answers().goal_value("bought", {}).value_type == 'S');
  BOOST_TEST(value_of(log, "bought") == "12");
  BOOST_TEST(log.answers().status().tallies["value_type_conflict"] == 1);
}

BOOST_DATA_TEST_CASE(values_are_exact_beyond_what_a_float_holds, kBoth, database) {
  const CountedLog log(database);
  log.append(3600, pixel_line({"ann"}) + goal_line({"ann"}, "bought", "1234567.89", "S"));
  log.count();
  log.append(3600, goal_line({"ann"}, "bought", "1234567890123456789.000000001", "S"));
  log.count();
  BOOST_TEST(value_of(log, "bought") == "1234567890124691356.890000001");
}

BOOST_AUTO_TEST_CASE(a_value_of_zero_is_written_as_one) {
  const Record record{UnixNanos{}, "ann", 1, Goal{.name = "bought", .value = Decimal{}}};
  std::string line;
  record::encode(record, line);
  BOOST_TEST(line == "1\tgoal\t0.0000\tann\t1\tbought\t0\t\t\n");
}

BOOST_DATA_TEST_CASE(a_test_spans_its_smallest_and_largest_timestamp_in_any_order, kBoth,
                     database) {
  const CountedLog log(database);
  log.append(3600, pixel_line({"ann"}));
  for (const auto* at : {"300", "100.25", "200"}) {
    log.append(3600, split_line({"ann", at}, "button", "blue"));
    log.count();
  }
  const auto tests = log.answers().all_tests();
  BOOST_REQUIRE(tests.size() == 1u);
  BOOST_TEST(tests[0].first_at.time_since_epoch().count() == 100'250'000'000);
  BOOST_TEST(tests[0].last_at.time_since_epoch().count() == 300'000'000'000);
}

BOOST_DATA_TEST_CASE(the_browser_is_that_of_the_first_page, kBoth, database) {
  CountedLog log(database);
  log.options.rules.rollups = {count::parse_rollup("all", "UTC"),
                               count::parse_rollup("browser", "UTC")};
  log.options.rules.agent_patterns = base::read_file("/usr/share/uap-core/regexes.yaml");
  const auto* const agent =
      "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0";
  log.append(3600, pixel_line({"ann"}) + page_line({"ann"}, agent) + page_line({"ann"}, "Opera/9"));
  log.count();
  log.append(3600, page_line({"ann"}, "Lynx/2.8") + goal_line({"ann"}, "bought"));
  log.count();
  const auto by_browser = log.answers().series("bought", {.rollup = "browser"}, "", "", 10);
  BOOST_REQUIRE(by_browser.size() == 1u);
  BOOST_TEST(by_browser[0].bucket == "Firefox");
}

BOOST_DATA_TEST_CASE(names_that_differ_in_a_byte_are_counted_apart, kBoth, database) {
  const CountedLog log(database);
  const std::vector<std::string> names{"pie", "Pie", "pie ", "pi\\xe9", "pi", "\\U0001f355"};
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t visitor = 0; visitor <= i; ++visitor)
      log.append(3600, human("v" + std::to_string(visitor), names[i]));
  log.count();
  const char* const shown[] = {"pie", "Pie", "pie ", "pi\xc3\xa9", "pi", "\xf0\x9f\x8d\x95"};
  for (std::size_t i = 0; i < names.size(); ++i)
    BOOST_TEST(log.count_of(shown[i]) == std::int64_t(i + 1), shown[i]);
}

BOOST_DATA_TEST_CASE(long_names_and_ids_are_counted, kBoth, database) {
  const CountedLog log(database);
  const std::string id(41, 'a'), name(150, 'n'), longer(1500, 'm');
  log.append(3600, human(id, name) + goal_line({id}, longer) + goal_line({id}, longer + "2"));
  log.count();
  BOOST_TEST(log.count_of(name) == 1);
  BOOST_TEST(log.count_of(longer) == 1);
  BOOST_TEST(log.count_of(longer + "2") == 1);
}

BOOST_DATA_TEST_CASE(a_worker_flushes_when_it_is_quiet, kBoth, database) {
  const CountedLog log(database);
  log.append(3600, human("ann", "bought"));
  RunningWorker worker(log);
  worker.wait_for("worker_flushes", 1);
  BOOST_TEST(log.count_of("bought") == 1);
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_never_quiet_commits_when_somebody_asks) {
  const CountedLog log;
  RunningWorker worker(log);
  std::atomic<bool> is_over = false;
  std::thread visiting([&] {
    for (std::int64_t records = 2; !is_over; records += 2) {
      log.append(3600, human("ann", "bought"));
      worker.wait_for("worker_records", records);
    }
  });
  // It begins with a commit; the next comes after half a minute, unasked.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (worker.tally("worker_flushes") < 2 && std::chrono::steady_clock::now() < end)
    worker.freshen();
  BOOST_TEST(worker.tally("worker_flushes") >= 2);
  BOOST_TEST(log.count_of("bought") == 1);
  is_over = true;
  visiting.join();
}

BOOST_DATA_TEST_CASE(a_worker_that_is_stopped_flushes_what_it_read, kBoth, database) {
  CountedLog log(database);
  RunningWorker worker(log);
  log.append(3600, human("ann", "bought"));
  worker.stop();
  BOOST_TEST(log.count_of("bought") == 1);
}

BOOST_AUTO_TEST_CASE(a_bad_line_is_skipped_by_reason_and_the_first_of_each_is_named) {
  const CountedLog log;
  const auto said = temporary_path("said");
  base::MessageLog messages("test", base::MessageLog::Level::warning, said);
  for (const auto* bad : {"1,50", "nan", "inf", "1,75"})
    log.append(3600, goal_line({"ann"}, "bought", bad));
  log.append(3600, "1\tgoal\t1\tann\tshop\tbought\n1\tnews\t1\tann\t1\n2\tpixel\t1\tann\t1\n");
  log.append(3600, "1\tgoal\t1\tann\t1\tx\\x4\n1\tgoal\t1\ta\n" + human("bob", "bought"));
  log.count(messages);
  log.count(messages);
  auto tallies = log.answers().status().tallies;
  BOOST_TEST(tallies["skipped_bad_value"] == 4);
  BOOST_TEST(tallies["skipped_bad_site"] == 2);
  BOOST_TEST(tallies["skipped_bad_kind"] == 1);
  BOOST_TEST(tallies["skipped_bad_version"] == 1);
  BOOST_TEST(tallies["skipped_bad_escape"] == 1);
  BOOST_TEST(log.count_of("bought") == 1);
  const auto text = base::read_file(said);
  const auto first = text.find("first skipped_bad_value ends at " + log.segment(3600) + ":");
  BOOST_TEST(first != std::string::npos, text);
  BOOST_TEST(text.find("skipped_bad_value", first + 10) == std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(segments_are_read_by_hour_once_and_nothing_else_is) {
  const CountedLog log;
  log.append(7200, human("ann", "bought"));
  log.append(36000, human("bob", "bought"));
  for (const auto* other : {".1_old", ".7200.bak", ".spill", ".", ".x", ""})
    std::ofstream(log.prefix() + other) << human("eve", "stolen");
  log.count();
  // The newest is gone, and an older one grows: neither is read twice nor left out.
  std::filesystem::remove(log.segment(36000));
  log.append(7200, human("cat", "bought"));
  log.append(3600, human("dan", "bought"));
  log.count();
  log.count();
  BOOST_TEST(log.count_of("bought") == 4);
  BOOST_TEST(log.count_of("stolen") == 0);
  BOOST_TEST(log.tally("record_goal") == 4);
}

BOOST_DATA_TEST_CASE(questions_write_nothing, kBoth, database) {
  const CountedLog log(database);
  log.append(3600, human("ann", "bought") + split_line({"ann"}, "button", "blue"));
  log.count();
  const auto before = everything_in(log);
  auto answers = log.answers();
  answers.goal_value("no such goal", {});
  answers.count("no such goal", kBlue);
  answers.results("no such test", {"no such goal"}, 7);
  answers.series("no such goal", {.rollup = "day"}, "", "", 10);
  BOOST_TEST(everything_in(log) == before);
}
