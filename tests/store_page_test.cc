// SPDX-License-Identifier: MIT
// manhattan-store(5) and the code say the same.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE store_page
#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "base/files.h"
#include "base/text.h"
#include "store/schema.h"
#include "tests/support/databases.h"
#include "tests/support/vectors.h"

using namespace manhattan;

namespace {

/// What the page shows literally under one heading, from each block its text.
std::vector<std::string> blocks_under(const std::string& heading) {
  const auto page = base::read_file(tests::data_path("../../man/manhattan-store.5"));
  const auto begin = page.find(".Sh " + heading);
  const auto section = page.substr(begin, page.find("\n.Sh ", begin) - begin);
  std::vector<std::string> blocks;
  for (std::size_t at = 0; (at = section.find("\n.Bd -literal\n", at)) != std::string::npos; ++at)
    blocks.push_back(section.substr(at + 14, section.find("\n.Ed", at) - at - 14));
  return blocks;
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_tables_are_those_of_the_page) {
  std::string made;
  for (const auto& statement : store::creation(store::Dialect::sqlite)) {
    for (const std::string kind : {"CREATE TABLE", "CREATE INDEX"}) {
      const auto start = kind + " IF NOT EXISTS";
      if (statement.starts_with(start)) made += kind + statement.substr(start.size());
    }
  }
  const auto shown = blocks_under("LAYOUT");
  BOOST_REQUIRE(shown.size() == 1u);
  BOOST_TEST(without_blanks(shown[0]) == without_blanks(made));
}

BOOST_DATA_TEST_CASE(the_questions_of_the_page_are_answered,
                     boost::unit_test::data::make(tests::kDatabases), database) {
  const auto place = tests::new_place(database);
  count::Flush flush;
  flush.number = 1;
  flush.names = {{1, "viewed page"}, {2, "day"}, {3, "2026-11-21"}, {4, "buy"},
                 {5, "color"},       {6, "red"}, {7, "all"},        {8, "0"}};
  flush.counters = {{{0, 5, 6, 7, 8, 0}, {20, {}}},
                    {{1, 0, 0, 2, 3, 0}, {3, {}}},
                    {{1, 0, 0, 2, 3, 1}, {4, {}}},
                    {{4, 0, 0, 7, 8, -1}, {6, Decimal::parse("9.75").value()}},
                    {{4, 0, 0, 7, 8, 0}, {5, Decimal::parse("9.5").value()}},
                    {{4, 0, 0, 7, 8, 1}, {2, Decimal::parse("0.25").value()}},
                    {{4, 5, 6, 7, 8, 0}, {2, {}}}};
  flush.goals = {{4, 'S', 'C'}};
  flush.tallies = {{"record_page", 9}, {"skipped_bad_value", 3}};
  place.open()->commit(flush);
  const auto shown = blocks_under("EXAMPLE");
  BOOST_REQUIRE(shown.size() == 1u);
  const auto questions = base::split(shown[0], ';');
  const auto check = [&](std::size_t number, int columns, const std::string& expected) {
    std::string answer;
    for (const auto& line : tests::ask(place, std::string(questions[number]), columns))
      answer += line + ' ';
    BOOST_TEST(answer == expected);
  };
  const bool is_sqlite = database == tests::Database::sqlite;
  check(0, 2, "2026-11-21|7 ");
  check(1, 3, "red|2|20 ");
  check(2, 3, is_sqlite ? "0|5|9.5 1|2|0.25 " : "0|5|9.500000000 1|2|0.250000000 ");
  check(3, 1, "6 ");
  check(4, 3, "buy|S|C viewed page|| ");
  check(5, 2, "skipped_bad_value|3 ");
}
