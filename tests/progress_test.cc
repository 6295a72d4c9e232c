// SPDX-License-Identifier: MIT
// What a terminal and the messages show of long work.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE progress
#include <boost/test/unit_test.hpp>

#include "base/files.h"
#include "bin/catching_up.h"
#include "bin/progress.h"
#include "tests/support/databases.h"
#include "tests/support/log_fixture.h"

using namespace manhattan;

BOOST_AUTO_TEST_CASE(progress_fits_its_terminal_and_is_never_done_before_the_end) {
  const program::ProgressState state{50, 100, 1'234'567, 2};
  BOOST_TEST(program::progress_line(state, 79) ==
             " 50% [################                ] 1,234,567 records, 617,283/s, 0:02 left");
  for (std::size_t columns = 0; columns < 120; ++columns)
    BOOST_TEST(program::progress_line(state, columns).size() <= columns);
  BOOST_TEST(program::progress_line({300, 100, 1, 2}, 79).starts_with(" 99%"));
}

BOOST_AUTO_TEST_CASE(counting_that_is_behind_says_so_every_ten_seconds) {
  const auto path = tests::temporary_path("said");
  base::MessageLog messages("test", base::MessageLog::Level::info, path);
  manhattan::testing::SetClock clock;
  program::CatchingUp catching_up(messages, clock, program::CatchingUp::Bar::hidden);
  const auto said = [&] {
    const auto text = base::read_file(path);
    const auto last = text.rfind("test: ");  // behind a time
    return last == std::string::npos ? "" : text.substr(last + 6);
  };
  constexpr std::uint64_t kMegabyte = 1'000'000;
  catching_up.note({.bytes = 100, .records = 1, .left_bytes = kMegabyte});
  BOOST_TEST(said() == "");
  catching_up.note({.bytes = kMegabyte, .records = 1000, .left_bytes = 99 * kMegabyte});
  BOOST_TEST(said() == "100 MB of log are to be counted\n");
  clock.time += std::chrono::seconds(10);
  const auto at = clock.time - std::chrono::hours(25);
  catching_up.note(
      {.bytes = 24 * kMegabyte, .records = 24'000, .at = at, .left_bytes = 75 * kMegabyte});
  BOOST_TEST(said() == "counting: 25,000 records, 2,500/s, 25:00:00 behind, 0:30 left\n");
  clock.time += std::chrono::seconds(9);
  catching_up.note({.bytes = kMegabyte, .records = 1, .left_bytes = 74 * kMegabyte});
  BOOST_TEST(said().starts_with("counting: 25,000 "));
  clock.time += std::chrono::seconds(1);
  catching_up.note({.bytes = 74 * kMegabyte, .records = 4999, .at = clock.time, .left_bytes = 0});
  BOOST_TEST(said() == "caught up: 30,000 records, 1,500/s, 0:00 behind\n");
}
