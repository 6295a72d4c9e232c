// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE visitor_c
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "visitor/manhattan.h"
#include "visitor/population.h"

namespace {

/// A text log in a folder that goes with it, and what is in it.
struct Fixture {
  Fixture() : prefix(std::string(::mkdtemp(folder)) + "/log") {}
  ~Fixture() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  /// Each record from its kind on.
  std::vector<std::string> records() const {
    std::vector<std::string> lines;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream file(entry.path());
      const std::string text(std::istreambuf_iterator<char>(file), {});
      for (const auto line : manhattan::base::split(text, '\n')) {
        if (line.empty()) continue;
        const auto fields = manhattan::base::split(line, '\t');
        std::string told(fields.at(1));
        for (std::size_t i = 3; i < fields.size(); ++i) told.append("|").append(fields[i]);
        lines.push_back(told);
      }
    }
    return lines;
  }

  char folder[32] = "/tmp/manhattan-c-XXXXXX";
  std::string prefix;
};

using Lines = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_CASE(each_call_is_its_record, Fixture) {
  auto* log = manhattan_text_log(prefix.c_str());
  auto* visitor = manhattan_visitor_new("v1", log, 7);
  BOOST_TEST(manhattan_page(visitor, "192.0.2.1", "GET", "/a", nullptr, nullptr) ==
             manhattan_written);
  BOOST_TEST(manhattan_pixel(visitor) == manhattan_written);
  BOOST_TEST(manhattan_goal(visitor, "pie") == manhattan_written);
  BOOST_TEST(manhattan_goal_value(visitor, "sold", "12.50", 'S', 'C') == manhattan_written);
  BOOST_TEST(manhattan_show(visitor, "Crust", "thin") == manhattan_written);
  manhattan_visitor_free(visitor);
  manhattan_log_close(log);
  BOOST_TEST(records() == (Lines{"page|v1|7|192.0.2.1|GET|/a||", "pixel|v1|7", "goal|v1|7|pie|||",
                                 "goal|v1|7|sold|12.5|S|C", "split|v1|7|Crust|thin"}),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_split_chooses_as_the_library_does, Fixture) {
  const char* const names[] = {"b", "a", "c"};
  const double weights[] = {1, 0, 2};
  auto* log = manhattan_text_log(prefix.c_str());
  for (int i = 0; i < 50; ++i) {
    const auto id = "v" + std::to_string(i);
    auto* visitor = manhattan_visitor_new(id.c_str(), log, 0);
    const auto alike = manhattan_split(visitor, "S", names, nullptr, 3);
    const auto weighted = manhattan_split(visitor, "T", names, weights, 3);
    using manhattan::visitor::choose_population;
    const std::vector<manhattan::visitor::Weighted> weighted_names{{"b", 1}, {"a", 0}, {"c", 2}};
    BOOST_TEST(names[alike] == choose_population(id, "S", Lines{"b", "a", "c"}));
    BOOST_TEST(names[weighted] == choose_population(id, "T", weighted_names));
    manhattan_visitor_free(visitor);
  }
  manhattan_log_close(log);
  BOOST_TEST(records().size() == 100U);
}

BOOST_FIXTURE_TEST_CASE(what_is_no_record_is_refused, Fixture) {
  auto* log = manhattan_text_log(prefix.c_str());
  auto* visitor = manhattan_visitor_new("v1", log, 0);
  BOOST_TEST(manhattan_goal(visitor, nullptr) == manhattan_refused);
  BOOST_TEST(manhattan_goal(visitor, "") == manhattan_refused);
  BOOST_TEST(manhattan_goal_value(visitor, "g", "12,50", 0, 0) == manhattan_refused);
  BOOST_TEST(manhattan_goal_value(visitor, "g", "1", 'X', 0) == manhattan_refused);
  BOOST_TEST(manhattan_goal_value(visitor, "g", "1", 0, 'X') == manhattan_refused);
  BOOST_TEST(manhattan_show(visitor, "s", nullptr) == manhattan_refused);
  const char* const names[] = {"a", "b"};
  const double weightless[] = {0, 0}, negative[] = {-1, -1};
  BOOST_TEST(manhattan_split(visitor, "s", names, weightless, 2) == 0U);
  BOOST_TEST(manhattan_split(visitor, "s", names, negative, 2) == 0U);
  BOOST_TEST(manhattan_split(visitor, "s", names, nullptr, 0) == 0U);
  BOOST_TEST(manhattan_split(visitor, nullptr, names, nullptr, 2) == 0U);
  manhattan_visitor_free(visitor);
  manhattan_log_close(log);
  BOOST_TEST(records().empty());
}

BOOST_FIXTURE_TEST_CASE(without_a_ring_a_record_is_spilled_and_without_a_log_dropped, Fixture) {
  const auto absent = prefix + "/no ring";
  for (const auto& [log, outcome] :
       {std::pair(manhattan_ring_log(absent.c_str(), prefix.c_str()), manhattan_spilled),
        std::pair(manhattan_ring_log(absent.c_str(), nullptr), manhattan_dropped)}) {
    auto* visitor = manhattan_visitor_new("v1", log, 0);
    BOOST_TEST(manhattan_goal(visitor, "pie") == outcome);
    manhattan_visitor_free(visitor);
    manhattan_log_close(log);
  }
}

BOOST_FIXTURE_TEST_CASE(nulls_are_taken_everywhere, Fixture) {
  BOOST_TEST(!manhattan_ring_log(nullptr, nullptr));
  BOOST_TEST(!manhattan_text_log(nullptr));
  BOOST_TEST(!manhattan_visitor_new("v", nullptr, 0));
  const char* const names[] = {"a", "b"};
  BOOST_TEST(manhattan_split(nullptr, "s", names, nullptr, 2) == 0U);
  BOOST_TEST(manhattan_goal(nullptr, "g") == manhattan_dropped);
  BOOST_TEST(manhattan_page(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) ==
             manhattan_dropped);
  manhattan_visitor_free(nullptr);
  manhattan_log_close(nullptr);
  auto* log = manhattan_text_log(prefix.c_str());
  BOOST_TEST(!manhattan_visitor_new(nullptr, log, 0));
  manhattan_log_close(log);
}

BOOST_FIXTURE_TEST_CASE(a_wrapped_program_finds_log_and_visitor_in_its_environment, Fixture) {
  for (const auto* name :
       {"MANHATTAN_RING", "MANHATTAN_PATH", "MANHATTAN_VISITOR", "MANHATTAN_SITE"}) {
    ::unsetenv(name);
  }
  BOOST_TEST(!manhattan_environment_log());
  ::setenv("MANHATTAN_RING", "none", 1);
  BOOST_TEST(!manhattan_environment_log());
  ::setenv("MANHATTAN_PATH", prefix.c_str(), 1);
  auto* log = manhattan_environment_log();
  BOOST_REQUIRE(log);
  BOOST_TEST(!manhattan_environment_visitor(log));
  ::setenv("MANHATTAN_VISITOR", "v9", 1);
  ::setenv("MANHATTAN_SITE", "12", 1);
  auto* visitor = manhattan_environment_visitor(log);
  BOOST_TEST(manhattan_goal(visitor, "g") == manhattan_written);
  manhattan_visitor_free(visitor);
  manhattan_log_close(log);
  BOOST_TEST(records() == Lines{"goal|v9|12|g|||"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_robot_is_split_by_its_name_and_not_recorded_with_it, Fixture) {
  ::setenv("MANHATTAN_RING", "none", 1);
  ::setenv("MANHATTAN_PATH", prefix.c_str(), 1);
  ::setenv("MANHATTAN_ROBOT", "robot", 1);
  const char* const populations[] = {"a", "b", "c", "d"};
  std::vector<std::string> names(populations, populations + 4);
  auto* log = manhattan_environment_log();
  for (int i = 0; i < 8; ++i) {
    ::setenv("MANHATTAN_VISITOR", std::to_string(i).c_str(), 1);
    auto* visitor = manhattan_environment_visitor(log);
    const auto index = manhattan_split(visitor, "S", populations, nullptr, 4);
    BOOST_TEST(names[index] == manhattan::visitor::choose_population("robot", "S", names));
    manhattan_visitor_free(visitor);
  }
  ::unsetenv("MANHATTAN_ROBOT");
  manhattan_log_close(log);
  BOOST_TEST(records().empty());
}

BOOST_FIXTURE_TEST_CASE(a_page_that_is_fetched_ahead_records_nothing, Fixture) {
  ::setenv("MANHATTAN_RING", "none", 1);
  ::setenv("MANHATTAN_PATH", prefix.c_str(), 1);
  ::setenv("MANHATTAN_VISITOR", "v9", 1);
  ::setenv("MANHATTAN_PREFETCH", "1", 1);
  auto* log = manhattan_environment_log();
  auto* visitor = manhattan_environment_visitor(log);
  ::unsetenv("MANHATTAN_PREFETCH");
  BOOST_TEST(manhattan_goal(visitor, "g") == manhattan_written);
  manhattan_visitor_free(visitor);
  manhattan_log_close(log);
  BOOST_TEST(records().empty());
}
