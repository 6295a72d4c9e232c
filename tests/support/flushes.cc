// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#include "tests/support/flushes.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/support/databases.h"

namespace manhattan::tests {

count::VisitorRows rows(std::vector<count::VisitorRow> visitors) {
  std::ranges::sort(visitors, {}, &count::VisitorRow::visitor);
  const auto count = visitors.size();
  const auto shared = std::make_shared<const std::vector<count::VisitorRow>>(std::move(visitors));
  return {count, [shared, is_done = false]() mutable -> std::span<const count::VisitorRow> {
            if (std::exchange(is_done, !is_done)) return {};
            return *shared;
          }};
}

count::Flush flush_of(std::int64_t number, int counters) {
  count::Flush flush;
  flush.number = number;
  if (number == 1) flush.names = {{1, "buy"}, {2, "all"}, {3, "0"}};
  for (int i = 0; i < counters; ++i)
    flush.counters.push_back({{1, 0, 0, 2, 3, i}, {1, Decimal::from_integer(1)}});
  std::vector<count::VisitorRow> visitors;
  for (int i = 0; i < counters; ++i)
    visitors.push_back({"v" + std::to_string(i), true, std::string(200, 'h')});
  flush.visitors = rows(std::move(visitors));
  flush.pointer = "log:" + std::to_string(number);
  return flush;
}

void check_flushes(const store::Location& place, std::int64_t number, int counters) {
  const auto state = place.open()->load();
  BOOST_TEST(state.flush_number == number);
  BOOST_TEST(state.pointer == (number == 0 ? "" : "log:" + std::to_string(number)));
  const auto sum = std::to_string(number * counters);
  const auto line = ask(place, "SELECT coalesce(sum(count), 0) FROM counter", 1).at(0);
  BOOST_TEST(line.substr(0, line.find('.')) == sum);
}

}  // namespace manhattan::tests
