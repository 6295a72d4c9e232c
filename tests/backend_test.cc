// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE backend
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "backend/answers.h"
#include "backend/worker.h"
#include "base/error.h"
#include "tests/support/counted_log.h"
#include "tests/support/flushes.h"
#include "tests/support/patience.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using tests::CountedLog;
using tests::human;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_CASE(counting_again_changes_nothing) {
  const CountedLog log;
  log.append(3600, human("a", "bought"));
  log.count();
  log.count();
  BOOST_TEST(log.count_of("bought") == 1);
  BOOST_TEST(log.tally("record_goal") == 1);
}

BOOST_AUTO_TEST_CASE(a_line_counts_when_its_newline_is_there) {
  const CountedLog log;
  const auto lines = human("a", "bought");
  log.append(3600, lines.substr(0, lines.size() - 1));
  log.count();
  BOOST_TEST(log.count_of("bought") == 0);
  log.append(3600, lines.substr(lines.size() - 1));
  log.count();
  BOOST_TEST(log.count_of("bought") == 1);
}

BOOST_AUTO_TEST_CASE(a_line_appended_to_an_older_segment_is_read_once) {
  const CountedLog log;
  log.append(3600, human("a", "bought"));
  log.append(7200, human("b", "bought"));
  log.count();
  log.append(3600, human("c", "bought"));
  log.count();
  log.count();
  BOOST_TEST(log.count_of("bought") == 3);
}

BOOST_DATA_TEST_CASE(who_never_proved_to_be_human_is_forgotten_after_two_years,
                     boost::unit_test::data::make({false, true}), is_stored_meanwhile) {
  constexpr std::int64_t kTwoYearsS = 2 * 366 * 86400;
  const CountedLog log;
  const auto page = [](const std::string& visitor) {
    return "1\tpage\t1\t" + visitor + "\t1\t\tGET\t/\t\t\n";
  };
  log.append(3600, page("long gone") + page("long gone, human") + page("back in time") +
                       "1\tpixel\t1\tlong gone, human\t1\n");
  if (is_stored_meanwhile) log.count();
  for (std::int64_t at_s = 3600; at_s < kTwoYearsS; at_s += 86400)
    log.append(at_s + 86400, "1\tpixel\t1\tdaily\t1\n");
  log.append(3600 + kTwoYearsS, human("back in time", "bought"));
  if (is_stored_meanwhile) log.count();
  log.append(7200 + kTwoYearsS, human("long gone", "bought") + page("long gone, human"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 2);
  BOOST_TEST(log.count_of("viewed page") == 2);
  BOOST_TEST(log.tally("visitor_seen") == 5);
}

BOOST_AUTO_TEST_CASE(a_file_three_years_ahead_makes_nobody_forgotten) {
  const CountedLog log;
  const auto page = [](const std::string& id) {
    return "1\tpage\t1\t" + id + "\t1\t\tGET\t/\t\t\n";
  };
  log.append(3600, page("ann"));
  log.count();
  log.append(3600 + 3 * std::int64_t{366} * 86400, page("bob"));
  log.count();
  log.append(7200, "1\tpixel\t1\tann\t1\n");
  log.count();
  BOOST_TEST(log.count_of("viewed page") == 1);
  BOOST_TEST(log.tally("visitor_seen") == 2);
}

BOOST_AUTO_TEST_CASE(pages_without_any_pixel_ever_are_told_once) {
  const CountedLog log;
  const auto said_file = log.prefix() + "-said";
  const auto count = [&] {
    fs::remove(said_file);
    base::MessageLog messages("test", base::MessageLog::Level::warning, said_file);
    log.count(messages);
    std::ifstream said(said_file);
    return std::string(std::istreambuf_iterator<char>(said), {});
  };
  const auto visits = [](int first, int last, int pages, const std::string& agent = "Firefox") {
    std::string lines;
    for (int visitor = first; visitor < last; ++visitor) {
      for (int page = 0; page < pages; ++page)
        lines += "1\tpage\t1\tv" + std::to_string(visitor) + "\t1\t\tGET\t/\t" + agent + "\t\n";
    }
    return lines;
  };
  log.append(3600, visits(0, 9, 9));
  BOOST_TEST(count() == "");  // too few visitors
  log.append(3600, visits(100, 200, 1));
  log.append(3600, visits(200, 300, 5, "Googlebot/2.1"));
  const CountedLog without_returns;
  without_returns.append(3600, visits(0, 100, 1) + visits(200, 300, 5, "Googlebot/2.1"));
  without_returns.count();
  BOOST_TEST(
      (backend::Answers(without_returns.options.location.open_reader()).status().warnings.empty()));

  const auto said = count();
  BOOST_TEST(
      said.find("no pixel has ever come, so nobody is counted, though 72 pages") != said.npos,
      said);
  backend::Answers answers(log.options.location.open_reader());
  BOOST_TEST(answers.status().tallies["pixel_missing"] == 1);
  BOOST_TEST(answers.status().warnings.size() == 1U);
  log.append(3600, "1\tpixel\t1\tv1\t1\n" + visits(300, 320, 9));
  BOOST_TEST(count() == "");
  BOOST_TEST(answers.status().tallies["pixel_missing"] == 0);
  BOOST_TEST(answers.status().warnings.empty());
}

BOOST_AUTO_TEST_CASE(names_that_are_cut_are_tallied) {
  const CountedLog log;
  log.append(3600, human("a", std::string(1001, 'g')) + human("b", "short"));
  log.count();
  BOOST_TEST(log.tally("name_clipped") == 1);
}

BOOST_AUTO_TEST_CASE(a_missing_segment_does_not_stop_counting) {
  const CountedLog log;
  log.append(3600, human("a", "bought"));
  log.count();
  fs::remove(log.prefix() + ".3600");
  log.append(7200, human("b", "bought"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 2);
}

BOOST_AUTO_TEST_CASE(bad_lines_are_skipped_and_counted_by_reason) {
  const CountedLog log;
  log.append(3600, "nonsense\n" + human("a", "bought") + "1\tgoal\t1\ta\t1\tbought\t1,50\n" +
                       "1\tgoal\t1\ta\tshop\tbought\n2\tpixel\t1\ta\t1\n\n");
  log.count();
  BOOST_TEST(log.count_of("bought") == 1);
  BOOST_TEST(log.tally("skipped_bad_version") == 3);
  BOOST_TEST(log.tally("skipped_bad_value") == 1);
  BOOST_TEST(log.tally("skipped_bad_site") == 1);
}

BOOST_AUTO_TEST_CASE(an_overlong_line_is_skipped_and_counted) {
  const CountedLog log;
  log.append(3600, std::string(3 << 20, 'x') + "\n" + human("a", "bought"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 1);
  BOOST_TEST(log.tally("skipped_too_long") >= 1);
}

BOOST_AUTO_TEST_CASE(a_visitor_without_pixel_counts_nothing_and_is_told_apart) {
  const CountedLog log;
  log.append(3600, "1\tgoal\t1\tbot\t1\tbought\n" + human("a", "bought"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 1);
  BOOST_TEST(log.tally("visitor_seen") == 2);
  BOOST_TEST(log.tally("visitor_human") == 1);
}

BOOST_AUTO_TEST_CASE(a_known_robot_is_left_out_with_its_pixel_and_told_apart) {
  const CountedLog log;
  const std::string page = "1\tpage\t1\trobot\t1\t::1\tGET\t/\tGooglebot/2.1\t\n";
  log.append(3600, "1\tgoal\t1\trobot\t1\tbought\n" + page + "1\tpixel\t1\trobot\t1\n");
  log.append(3600, "1\tgoal\t1\trobot\t1\tbought\n" + human("a", "bought"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 1);
  BOOST_TEST(log.tally("visitor_robot") == 1);
  BOOST_TEST(log.tally("left_out_robot") == 4);
  BOOST_TEST(log.tally("visitor_human") == 1);
}

BOOST_AUTO_TEST_CASE(a_pixel_after_a_restart_releases_what_waited_once) {
  const CountedLog log;
  log.append(3600, "1\tgoal\t1\ta\t1\tbought\t10\n");
  log.count();
  for (int i = 0; i < 3; ++i) {
    log.append(3600, "1\tpixel\t2\ta\t1\n");
    log.count();
  }
  const auto reader = log.options.location.open_reader();
  const auto counter = reader->counter({.goal = "bought", .split = "", .population = ""}, "0");
  BOOST_TEST(counter.count == 1);
  BOOST_TEST(counter.value.to_string() == "10");
}

BOOST_AUTO_TEST_CASE(only_the_newest_five_hundred_records_wait) {
  const CountedLog log;
  std::string lines;
  for (int i = 0; i < 510; ++i) lines += "1\tgoal\t1\ta\t1\tg" + std::to_string(i) + "\n";
  log.append(3600, lines + "1\tpixel\t2\ta\t1\n");
  log.count();
  BOOST_TEST(log.count_of("g9") == 0);
  BOOST_TEST(log.count_of("g10") == 1);
  BOOST_TEST(log.tally("waiting_dropped") == 10);
}

BOOST_AUTO_TEST_CASE(visitors_with_escapes_or_overlong_ids_are_found_again) {
  const CountedLog log;
  for (const auto& id : {std::string("caf\\xe9"), std::string(2000, 'x')}) {
    log.append(3600, "1\tpixel\t1\t" + id + "\t1\n");
    log.count();
    log.append(3600, "1\tgoal\t1\t" + id + "\t1\tbought\n");
    log.count();
  }
  BOOST_TEST(log.count_of("bought") == 2);
  BOOST_TEST(log.tally("visitor_seen") == 2);
}

BOOST_AUTO_TEST_CASE(other_rollups_or_goals_are_refused_for_a_store_and_more_are_not) {
  const CountedLog log;
  log.append(3600, human("a", "bought"));
  log.count();
  auto fewer = log.options;
  fewer.rules.rollups.pop_back();
  BOOST_CHECK_THROW(log.count_with(fewer), ConfigError);
  auto other = log.options;
  other.rules.complex_goals[0].includes = {"something else"};
  BOOST_CHECK_THROW(log.count_with(other), ConfigError);
  auto moved = log.options;
  moved.log_prefix = "/elsewhere/log";
  BOOST_CHECK_THROW(log.count_with(moved), ConfigError);
  auto more = log.options;
  more.rules.rollups.push_back(count::parse_rollup("month", "UTC"));
  log.append(3600, human("b", "bought"));
  log.count_with(more);
  BOOST_TEST(log.count_of("bought") == 2);
  const auto reader = log.options.location.open_reader();
  store::CounterQuery monthly{.goal = "bought", .split = "", .population = ""};
  monthly.rollup = "month";
  BOOST_TEST(reader->counter(monthly, "1970-01").count == 1);
}

BOOST_AUTO_TEST_CASE(squares_and_visitors_shown_several_populations_reach_the_store) {
  const CountedLog log;
  for (int i = 0; i < 2; ++i) {
    log.append(3600,
               "1\tpixel\t1\ta\t1\n1\tsplit\t1\ta\t1\tbutton\tblue\n"
               "1\tgoal\t1\ta\t1\tbought\t1.5\tS\n1\tsplit\t1\ta\t1\tbutton\tred\n");
    log.count();
  }
  const auto reader = log.options.location.open_reader();
  store::CounterQuery blue{.goal = "bought", .split = "button", .population = "blue"};
  BOOST_TEST(reader->square(blue).to_string() == "9");
  blue.site = 1;
  BOOST_TEST(reader->square(blue).to_string() == "9");
  blue.population = "red";
  BOOST_TEST(reader->square(blue).to_string() == "2.25");
  BOOST_TEST(reader->shown_several("button", 1) == 1);
  BOOST_TEST(reader->shown_several("button", count::kAllSites) == 1);
  BOOST_TEST(reader->shown_several("other", 1) == 0);
}

BOOST_AUTO_TEST_CASE(a_running_worker_counts_what_is_appended) {
  const CountedLog log;
  base::SystemFiles files;
  backend::Worker worker(log.options, files, log.prefix(), {}, tests::silent());
  log.append(3600, human("a", "bought"));
  std::thread running([&] { worker.run(); });
  const auto wait_for = [&](std::int64_t records) {
    while (worker.live_tallies()["worker_records"] < records) std::this_thread::yield();
  };
  wait_for(2);
  log.append(7200, human("b", "bought"));
  wait_for(4);
  log.append(7200, "1\tgoal\t1\tb\t1\tsold\n");
  worker.stop();
  running.join();
  BOOST_TEST(log.count_of("bought") == 2);
  BOOST_TEST(log.count_of("sold") == 1);
}

BOOST_AUTO_TEST_CASE(
    a_question_waits_for_a_commit_only_where_something_is_old_and_no_log_caught_up) {
  using std::chrono::operator""s;
  backend::Freshness freshness;
  int wakes = 0;
  const auto ask = [&] { return freshness.ask(0s, [&] { ++wakes; }); };
  const auto now = backend::Freshness::Clock::now();
  BOOST_TEST(!ask());  // nothing waits
  freshness.note_read(now - 5s);
  BOOST_TEST(!ask());  // never at rest
  BOOST_TEST((freshness.age_at_work() >= 5s));
  BOOST_TEST(wakes == 0);
  freshness.note_rest();
  freshness.note_read(now);  // changes nothing: another has waited for longer
  BOOST_TEST((freshness.age() >= 5s));
  BOOST_TEST((freshness.age_at_work() < freshness.age()));
  BOOST_TEST(!ask());  // but no commit came in no time
  BOOST_TEST(wakes == 1);
  BOOST_TEST(freshness.is_asked_for());
  const auto commit = [&] { freshness.note_commit(); };
  std::thread counting;
  BOOST_TEST(freshness.ask(tests::kPatience, [&] { counting = std::thread(commit); }));
  counting.join();
  BOOST_TEST(!freshness.is_asked_for());
  BOOST_TEST((freshness.age() == 0s));
  freshness.note_read(now);
  freshness.note_rest();
  BOOST_TEST(!ask());  // young
  BOOST_TEST(wakes == 1);
}

/// Lines of many visitors, so that each of several threads has some.
std::string crowd(int visitors, const std::string& goal) {
  std::string lines;
  for (int i = 0; i < visitors; ++i) lines += human("v" + std::to_string(i), goal);
  return lines;
}

BOOST_AUTO_TEST_CASE(the_first_record_of_the_log_decides_a_goals_type_whatever_thread_counts_it) {
  for (const auto threads : {1, 2, 5}) {
    CountedLog log;
    log.options.threads = threads;
    std::string lines = crowd(50, "bought");
    for (int i = 0; i < 50; ++i) {
      lines += tests::goal_line({"v" + std::to_string(i)}, "bought", "1", i == 0 ? "A" : "R");
    }
    log.append(3600, lines);
    log.count();
    BOOST_TEST(log.options.location.open_reader()->goal("bought")->value_type == 'A');
    BOOST_TEST(log.tally("value_type_conflict") == 49);
    // A later flush goes by what is stored.
    log.append(7200, tests::goal_line({"v1"}, "bought", "1", "S") +
                         tests::goal_line({"v2"}, "bought", "1", "A"));
    log.count();
    BOOST_TEST(log.tally("value_type_conflict") == 50);
  }
}

BOOST_AUTO_TEST_CASE(a_visitor_is_one_however_it_is_escaped) {
  for (const auto threads : {1, 7}) {
    CountedLog log;
    log.options.threads = threads;
    std::string lines;
    for (int i = 0; i < 50; ++i) {
      const auto rest = std::to_string(i);
      lines += tests::pixel_line({"caf\\xe9" + rest}) +
               tests::goal_line({"caf\xe9" + rest}, "bought") +
               tests::goal_line({"caf\\351" + rest}, "bought") +
               tests::goal_line({"caf\\u00e9" + rest}, "bought");
    }
    log.append(3600, lines);
    log.count();
    BOOST_TEST(log.tally("visitor_seen") == 50);
    BOOST_TEST(log.count_of("bought") == 50);
  }
}

BOOST_AUTO_TEST_CASE(a_history_that_is_damaged_ends_the_counting_of_all_threads) {
  CountedLog log;
  log.options.threads = 3;
  log.append(3600, crowd(50, "bought"));
  log.count();
  {
    const auto store = log.options.location.open();
    count::Flush flush;
    flush.number = store->load().flush_number + 1;
    flush.visitors = tests::rows({{"v7", true, "no history"}});
    flush.pointer = store->load().pointer;
    store->commit(flush);
  }
  log.append(7200, crowd(50, "sold"));
  BOOST_CHECK_THROW(log.count(), DamageError);
  BOOST_TEST(log.count_of("bought") == 50);
  BOOST_TEST(log.count_of("sold") == 0);
}

namespace {

/// All that was counted, and the tallies but for those that tell when something was done.
std::vector<std::string> counted_rows(const CountedLog& log) {
  auto lines = tests::ask(log.options.location,
                          "SELECT coalesce(g.name, ''), coalesce(s.name, ''), coalesce(p.name, ''),"
                          " r.name, b.name, site, count, value + 0 FROM counter c"
                          " LEFT JOIN name g ON g.id = c.goal LEFT JOIN name s ON s.id = c.split"
                          " LEFT JOIN name p ON p.id = c.population"
                          " JOIN name r ON r.id = c.rollup JOIN name b ON b.id = c.bucket"
                          " WHERE count <> 0",
                          8);
  for (const auto& row : tests::ask(
           log.options.location, "SELECT name, count FROM tally WHERE name <> 'visitor_aged'", 2))
    lines.push_back("tally " + row);
  std::ranges::sort(lines);
  return lines;
}

/// Six hours of visitors of whom many fetch no pixel, or late, and some send very much.
std::vector<std::string> hours_of_visitors(std::mt19937_64& random) {
  std::vector<std::string> hours(6);
  for (std::size_t hour = 0; hour < hours.size(); ++hour) {
    for (int i = 0; i < 300; ++i) {
      const tests::By by{"v" + std::to_string(random() % 150),
                         std::to_string(3600 * (hour + 1) + static_cast<std::size_t>(i)),
                         static_cast<int>(random() % 2)};
      const auto kind = random() % 12;
      const auto url = "/" + std::string(random() % 400, 'u') + std::to_string(random() % 9);
      hours[hour] += kind == 0  ? tests::pixel_line(by)
                     : kind < 7 ? tests::page_line(by, "", "", url)
                     : kind < 9 ? tests::split_line(by, "s" + std::to_string(random() % 4), "p")
                                : tests::goal_line(by, "g" + std::to_string(random() % 6), "1");
    }
  }
  return hours;
}

}  // namespace

BOOST_AUTO_TEST_CASE(bounds_hold_alike_however_the_log_is_counted) {
  std::mt19937_64 random(tests::seed());
  const auto hours = hours_of_visitors(random);
  std::vector<std::string> expected;
  for (const auto threads : {1, 3}) {
    for (const auto flush_every : {1'000'000, 137, 10}) {
      CountedLog log;
      log.options.rules.rollups.push_back(count::parse_rollup("path", "UTC"));
      log.options.rules.bounds = {.buckets = 3,
                                  .goals = 7,
                                  .variants = 2,
                                  .waiting_bytes = 1500,
                                  .waiting_log_bytes = hours[0].size() / 2};
      log.options.threads = threads;
      log.options.flush_every_records = flush_every;
      log.options.cache_visitors = flush_every < 100 ? 2 : 100'000;
      for (std::size_t hour = 0; hour < hours.size(); ++hour) {
        log.append(static_cast<std::int64_t>(3600 * (hour + 1)), hours[hour]);
        if (flush_every == 137) log.count();  // as it comes, by a server that starts again
      }
      log.count();
      const auto rows = counted_rows(log);
      if (expected.empty()) expected = rows;
      BOOST_TEST(rows == expected, boost::test_tools::per_element());
      for (const auto* tally :
           {"bucket_other", "left_out_goal", "left_out_variant", "waiting_dropped"})
        BOOST_TEST(log.tally(tally) > 0);
      // Some came back as strangers.
      BOOST_TEST(log.tally("visitor_seen") > 150);
    }
  }
}

BOOST_AUTO_TEST_CASE(bounds_are_settings_of_the_store) {
  CountedLog log;
  log.options.rules.bounds.buckets = 5;
  log.append(3600, human("ann", "bought"));
  log.count();
  log.options.rules.bounds.buckets = 6;
  BOOST_CHECK_EXCEPTION(log.count(), ConfigError, [](const ConfigError& error) {
    return std::string(error.what()).find("counted with visitor-buckets '5'") != std::string::npos;
  });
  // A store of an earlier version has none: those that are given hold from now on.
  tests::change(log.options.location, "DELETE FROM meta WHERE name = 'setting.visitor-buckets'");
  log.append(7200, human("bob", "bought"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 2);
}

BOOST_AUTO_TEST_CASE(what_decides_what_is_kept_is_a_setting_of_the_store) {
  struct Case {
    const char* name;
    const char* was;
    std::function<void(Backend::Options&)> change;
  };
  const Case cases[] = {
      {"anonymize", "'no'", [](auto& options) { options.is_anonymized = true; }},
      {"robots", "'Manhattan's own'", [](auto& options) { options.rules.robots = "mine\n"; }},
      {"robots", "'Manhattan's own'", [](auto& options) { options.rules.robots = "# none\n"; }},
  };
  for (const auto& c : cases) {
    CountedLog log;
    log.append(3600, human("ann", "bought"));
    log.count();
    const auto before = log.options;
    c.change(log.options);
    BOOST_CHECK_EXCEPTION(log.count(), ConfigError, [&](const ConfigError& error) {
      return std::string(error.what()).find(c.name + std::string(" ") + c.was) != std::string::npos;
    });
    // What a store of an earlier version is started with holds from then on.
    tests::change(log.options.location,
                  "DELETE FROM meta WHERE name = 'setting." + std::string(c.name) + "'");
    log.append(7200, human("bob", "bought"));
    log.count();
    BOOST_TEST(log.count_of("bought") == 2);
    BOOST_CHECK_THROW(log.count_with(before), ConfigError);
  }
}

BOOST_AUTO_TEST_CASE(a_list_says_the_same_with_other_comments) {
  CountedLog log;
  log.options.rules.robots = "one\ntwo\n";
  log.append(3600, human("ann", "bought"));
  log.count();
  log.options.rules.robots = "# of today\n\n one\r\ntwo";
  log.count();
  log.options.rules.robots = "one\ntwo\nthree\n";
  BOOST_CHECK_THROW(log.count(), ConfigError);
}

BOOST_AUTO_TEST_CASE(patterns_of_browsers_may_be_brought_up_to_date) {
  CountedLog log;
  log.options.rules.rollups.push_back(count::parse_rollup("browser", "UTC"));
  const auto patterns_of = [](const std::string& browser) {
    return "user_agent_parsers:\n  - regex: '(" + browser + ")'\n" +
           "os_parsers:\n  - regex: '(Linux)'\ndevice_parsers:\n  - regex: '(iPhone)'\n";
  };
  log.options.rules.agent_patterns = patterns_of("Firefox");
  log.append(3600, human("ann", "bought"));
  log.count();
  log.options.rules.agent_patterns = patterns_of("Opera");
  log.append(7200, human("bob", "bought"));
  log.count();
  BOOST_TEST(log.count_of("bought") == 2);
}

BOOST_AUTO_TEST_CASE(a_commit_that_is_given_up_is_rolled_back_and_counted_again) {
  for (const auto database : tests::kDatabases) {
    for (const auto threads : {1, 2}) {
      CountedLog log(database);
      log.options.threads = threads;
      base::Pulse pulse;
      log.append(3600, crowd(50, "bought"));
      log.count();
      log.append(7200, crowd(200, "sold"));
      auto others = log.options;
      others.pulse = &pulse;
      pulse.give_up();
      BOOST_CHECK_THROW(log.count_with(others), base::Interrupted);
      BOOST_TEST(log.count_of("sold") == 0);
      log.count();
      BOOST_TEST(log.count_of("sold") == 200);
      BOOST_TEST(log.count_of("bought") == 50);
    }
  }
}
