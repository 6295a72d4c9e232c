// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE backend
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend/backend.h"
#include "backend/worker.h"
#include "base/error.h"

using namespace manhattan;
namespace fs = std::filesystem;

namespace {

base::MessageLog silent("test", base::MessageLog::Level::error, "/dev/null");

/// A folder with a log and a store.
class Place {
 public:
  Place() {
    char name[] = "/tmp/manhattan-backend-XXXXXX";
    BOOST_REQUIRE(mkdtemp(name) != nullptr);
    folder_ = name;
  }
  ~Place() { fs::remove_all(folder_); }

  std::string prefix() const { return folder_ + "/log"; }
  store::Location location() const {
    return store::Location::parse("sqlite:///" + folder_ + "/store.db");
  }

  Backend::Options options() const {
    Backend::Options options{location(), prefix(), {}};
    options.rules = {{count::parse_rollup("all", "UTC"), count::parse_rollup("day", "UTC")},
                     {count::parse_complex_goal("left|cart|paid")}};
    return options;
  }

  void append(std::int64_t hour_s, std::string_view lines) const {
    std::ofstream(prefix() + "." + std::to_string(hour_s), std::ios::app) << lines;
  }
  void count_once(const Backend::Options& options) const {
    base::SystemFiles files;
    backend::Worker(options, files, prefix(), {}, silent).run_once();
  }

 private:
  std::string folder_;
};

std::string human(const std::string& visitor, const std::string& goal) {
  return "1\tpixel\t1\t" + visitor + "\t1\n1\tgoal\t1\t" + visitor + "\t1\t" + goal + "\n";
}

std::int64_t count_of(const Place& place, const std::string& goal) {
  const auto reader = place.location().open_reader();
  return reader->counter({.goal = goal, .split = "", .population = ""}, "0").count;
}

std::int64_t tally_of(const Place& place, const std::string& name) {
  const auto reader = place.location().open_reader();
  const auto tallies = reader->tallies();
  const auto known = tallies.find(name);
  return known == tallies.end() ? 0 : known->second;
}

}  // namespace

BOOST_AUTO_TEST_CASE(counting_again_changes_nothing) {
  const Place place;
  place.append(3600, human("a", "bought"));
  place.count_once(place.options());
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 1);
  BOOST_TEST(tally_of(place, "record_goal") == 1);
}

BOOST_AUTO_TEST_CASE(a_line_counts_when_its_newline_is_there) {
  const Place place;
  const auto lines = human("a", "bought");
  place.append(3600, lines.substr(0, lines.size() - 1));
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 0);
  place.append(3600, lines.substr(lines.size() - 1));
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 1);
}

BOOST_AUTO_TEST_CASE(a_line_appended_to_an_older_segment_is_read_once) {
  const Place place;
  place.append(3600, human("a", "bought"));
  place.append(7200, human("b", "bought"));
  place.count_once(place.options());
  place.append(3600, human("c", "bought"));
  place.count_once(place.options());
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 3);
}

BOOST_AUTO_TEST_CASE(who_never_proved_to_be_human_is_forgotten_after_two_years) {
  constexpr std::int64_t kTwoYearsS = 2 * 366 * 86400;
  const Place place;
  const auto page = [](const std::string& visitor) {
    return "1\tpage\t1\t" + visitor + "\t1\t\tGET\t/\t\t\n";
  };
  place.append(3600, page("long gone") + page("long gone, human") + page("back in time") +
                         "1\tpixel\t1\tlong gone, human\t1\n");
  place.append(3600 + kTwoYearsS, human("back in time", "bought"));
  place.append(7200 + kTwoYearsS, human("long gone", "bought") + page("long gone, human"));
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 2);
  BOOST_TEST(count_of(place, "viewed page") == 2);
}

BOOST_AUTO_TEST_CASE(names_that_are_cut_are_tallied) {
  const Place place;
  place.append(3600, human("a", std::string(1001, 'g')) + human("b", "short"));
  place.count_once(place.options());
  BOOST_TEST(tally_of(place, "name_clipped") == 1);
}

BOOST_AUTO_TEST_CASE(a_missing_segment_does_not_stop_counting) {
  const Place place;
  place.append(3600, human("a", "bought"));
  place.count_once(place.options());
  fs::remove(place.prefix() + ".3600");
  place.append(7200, human("b", "bought"));
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 2);
}

BOOST_AUTO_TEST_CASE(bad_lines_are_skipped_and_counted_by_reason) {
  const Place place;
  place.append(3600, "nonsense\n" + human("a", "bought") + "1\tgoal\t1\ta\t1\tbought\t1,50\n" +
                         "1\tgoal\t1\ta\tshop\tbought\n2\tpixel\t1\ta\t1\n\n");
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 1);
  BOOST_TEST(tally_of(place, "skipped_bad_version") == 3);
  BOOST_TEST(tally_of(place, "skipped_bad_value") == 1);
  BOOST_TEST(tally_of(place, "skipped_bad_site") == 1);
}

BOOST_AUTO_TEST_CASE(an_overlong_line_is_skipped_and_counted) {
  const Place place;
  place.append(3600, std::string(3 << 20, 'x') + "\n" + human("a", "bought"));
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 1);
  BOOST_TEST(tally_of(place, "skipped_too_long") >= 1);
}

BOOST_AUTO_TEST_CASE(a_visitor_without_pixel_counts_nothing_and_is_told_apart) {
  const Place place;
  place.append(3600, "1\tgoal\t1\tbot\t1\tbought\n" + human("a", "bought"));
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 1);
  BOOST_TEST(tally_of(place, "visitor_seen") == 2);
  BOOST_TEST(tally_of(place, "visitor_human") == 1);
}

BOOST_AUTO_TEST_CASE(a_known_robot_is_left_out_with_its_pixel_and_told_apart) {
  const Place place;
  const std::string page = "1\tpage\t1\trobot\t1\t::1\tGET\t/\tGooglebot/2.1\t\n";
  place.append(3600, "1\tgoal\t1\trobot\t1\tbought\n" + page + "1\tpixel\t1\trobot\t1\n");
  place.append(3600, "1\tgoal\t1\trobot\t1\tbought\n" + human("a", "bought"));
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "bought") == 1);
  BOOST_TEST(tally_of(place, "visitor_robot") == 1);
  BOOST_TEST(tally_of(place, "left_out_robot") == 4);
  BOOST_TEST(tally_of(place, "visitor_human") == 1);
}

BOOST_AUTO_TEST_CASE(a_pixel_after_a_restart_releases_what_waited_once) {
  const Place place;
  place.append(3600, "1\tgoal\t1\ta\t1\tbought\t10\n");
  place.count_once(place.options());
  for (int i = 0; i < 3; ++i) {
    place.append(3600, "1\tpixel\t2\ta\t1\n");
    place.count_once(place.options());
  }
  const auto reader = place.location().open_reader();
  const auto counter = reader->counter({.goal = "bought", .split = "", .population = ""}, "0");
  BOOST_TEST(counter.count == 1);
  BOOST_TEST(counter.value.to_string() == "10");
}

BOOST_AUTO_TEST_CASE(only_the_newest_five_hundred_records_wait) {
  const Place place;
  std::string lines;
  for (int i = 0; i < 510; ++i) lines += "1\tgoal\t1\ta\t1\tg" + std::to_string(i) + "\n";
  place.append(3600, lines + "1\tpixel\t2\ta\t1\n");
  place.count_once(place.options());
  BOOST_TEST(count_of(place, "g9") == 0);
  BOOST_TEST(count_of(place, "g10") == 1);
  BOOST_TEST(tally_of(place, "waiting_dropped") == 10);
}

BOOST_AUTO_TEST_CASE(visitors_with_escapes_or_overlong_ids_are_found_again) {
  const Place place;
  for (const auto& id : {std::string("caf\\xe9"), std::string(2000, 'x')}) {
    place.append(3600, "1\tpixel\t1\t" + id + "\t1\n");
    place.count_once(place.options());
    place.append(3600, "1\tgoal\t1\t" + id + "\t1\tbought\n");
    place.count_once(place.options());
  }
  BOOST_TEST(count_of(place, "bought") == 2);
  BOOST_TEST(tally_of(place, "visitor_seen") == 2);
}

BOOST_AUTO_TEST_CASE(other_rollups_or_goals_are_refused_for_a_store_and_more_are_not) {
  const Place place;
  place.append(3600, human("a", "bought"));
  place.count_once(place.options());
  auto fewer = place.options();
  fewer.rules.rollups.pop_back();
  BOOST_CHECK_THROW(place.count_once(fewer), ConfigError);
  auto other = place.options();
  other.rules.complex_goals[0].includes = {"something else"};
  BOOST_CHECK_THROW(place.count_once(other), ConfigError);
  auto moved = place.options();
  moved.log_prefix = "/elsewhere/log";
  BOOST_CHECK_THROW(place.count_once(moved), ConfigError);
  auto more = place.options();
  more.rules.rollups.push_back(count::parse_rollup("month", "UTC"));
  place.append(3600, human("b", "bought"));
  place.count_once(more);
  BOOST_TEST(count_of(place, "bought") == 2);
  const auto reader = place.location().open_reader();
  store::CounterQuery monthly{.goal = "bought", .split = "", .population = ""};
  monthly.rollup = "month";
  BOOST_TEST(reader->counter(monthly, "1970-01").count == 1);
}

BOOST_AUTO_TEST_CASE(squares_and_visitors_shown_several_populations_reach_the_store) {
  const Place place;
  for (int i = 0; i < 2; ++i) {
    place.append(3600,
                 "1\tpixel\t1\ta\t1\n1\tsplit\t1\ta\t1\tbutton\tblue\n"
                 "1\tgoal\t1\ta\t1\tbought\t1.5\tS\n1\tsplit\t1\ta\t1\tbutton\tred\n");
    place.count_once(place.options());
  }
  const auto reader = place.location().open_reader();
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
  const Place place;
  base::SystemFiles files;
  backend::Worker worker(place.options(), files, place.prefix(), {}, silent);
  place.append(3600, human("a", "bought"));
  std::thread running([&] { worker.run(); });
  const auto wait_for = [&](std::int64_t records) {
    while (worker.live_tallies()["worker_records"] < records) std::this_thread::yield();
  };
  wait_for(2);
  place.append(7200, human("b", "bought"));
  wait_for(4);
  place.append(7200, "1\tgoal\t1\tb\t1\tsold\n");
  worker.stop();
  running.join();
  BOOST_TEST(count_of(place, "bought") == 2);
  BOOST_TEST(count_of(place, "sold") == 1);
}
