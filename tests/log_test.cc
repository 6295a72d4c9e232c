// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE log
#include <sys/file.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "log/memory_log.h"
#include "log/spill.h"
#include "log/time_rotating_log.h"
#include "tests/support/log_fixture.h"

namespace manhattan::log {
namespace {

using testing::Host;
using testing::text_of;

/// The text of a log without the lines that fill_ring() wrote.
std::string without_filler(const std::string& text) {
  std::string rest;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    if (text[at] != '-') rest += text.substr(at, end - at);
    at = end;
  }
  return rest;
}

}  // namespace

BOOST_AUTO_TEST_CASE(memory_log_keeps_lines_in_order) {
  MemoryLog log;
  BOOST_TEST((log.append({}, "a\n") == Append::written));
  BOOST_TEST((log.append({}, "b\n") == Append::written));
  BOOST_TEST(log.lines() == (std::vector<std::string>{"a\n", "b\n"}));
}

BOOST_AUTO_TEST_CASE(time_rotating_log_begins_a_segment_each_hour) {
  Host host;
  TimeRotatingLog log(host.prefix, host.files, host.clock);
  BOOST_TEST((log.append(host.clock.time, "a\n") == Append::written));
  host.clock.time += std::chrono::hours(1);
  BOOST_TEST((log.append(host.clock.time, "b\n") == Append::written));
  host.clock.time -= std::chrono::hours(1);  // a clock put back: readers have left that segment
  BOOST_TEST((log.append(host.clock.time, "c\n") == Append::written));
  BOOST_TEST(base::read_file(host.prefix + ".1800000000") == "a\n");
  BOOST_TEST(base::read_file(host.prefix + ".1800003600") == "b\nc\n");
}

BOOST_AUTO_TEST_CASE(a_full_disk_drops_and_spoils_no_other_line) {
  Host host;
  TimeRotatingLog log(host.prefix, host.files, host.clock);
  host.files.bytes_left = 3;
  BOOST_TEST((log.append(host.clock.time, "abcdef\n") == Append::dropped));
  host.files.bytes_left = 1000;
  BOOST_TEST((log.append(host.clock.time, "ghi\n") == Append::written));
  BOOST_TEST(text_of(host.prefix) == "abc\nghi\n");
  BOOST_TEST(log.dropped_records() == 1u);
}

BOOST_AUTO_TEST_CASE(without_a_ring_records_spill_and_are_taken_in_once) {
  Host host;
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
  BOOST_TEST((log.append(host.clock.time, "two\n") == Append::spilled));
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.pass() == 2u);
  BOOST_TEST(drain.pass() == 0u);
  BOOST_TEST(text_of(host.prefix) == "one\ntwo\n");
  BOOST_TEST(!host.has_spill());
  BOOST_TEST(drain.counters().taken_in_records == 2u);
  host.clock.time += std::chrono::seconds(1);
  BOOST_TEST((log.append(host.clock.time, "three\n") == Append::written));  // attached by now
}

BOOST_AUTO_TEST_CASE(a_server_without_a_ring_takes_spills_in_too) {
  Host host;
  auto log = host.writer();
  auto drain = host.drain("none");
  drain.recover();
  TimeRotatingLog direct(host.prefix, host.files, host.clock);
  const std::string line = "1\tpixel\t1\tann\t1\n";
  BOOST_TEST((direct.append(host.clock.time, line) == Append::written));
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
  BOOST_TEST((log.append(host.clock.time, "two\n") == Append::spilled));
  BOOST_TEST(drain.pass() == 2u);
  BOOST_TEST(text_of(host.prefix) == line + "one\ntwo\n");
  BOOST_TEST(!drain.declared().has_value());
}

BOOST_AUTO_TEST_CASE(a_full_ring_spills_and_the_writers_order_is_kept) {
  Host host;
  host.make_ring();
  auto log = host.writer();
  host.fill_ring(log);
  BOOST_TEST((log.append(host.clock.time, "1 spilled as well\n") == Append::spilled));
  BOOST_TEST((log.append(host.clock.time, "2\n") == Append::spilled));
  auto drain = host.drain();
  drain.recover();
  host.clock.time += std::chrono::milliseconds(1);
  BOOST_TEST(drain.pass() == static_cast<std::size_t>(host.filler) + 2);
  BOOST_TEST((log.append(host.clock.time, "3\n") == Append::written));
  host.clock.time += std::chrono::milliseconds(1);
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(without_filler(text_of(host.prefix)) == "1 spilled as well\n2\n3\n");
  BOOST_TEST(drain.counters().full_ring_records == 6u);
}

BOOST_AUTO_TEST_CASE(what_a_writer_spilled_comes_before_what_it_wrote_after) {
  Host host;
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "1\n") == Append::spilled));
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  for (int i = 0; i < 300; ++i) {  // all of one time, some before it looks for the ring again
    const auto line = std::to_string(i + 2) + "\n";
    BOOST_TEST((log.append(host.clock.time, line) != Append::dropped));
  }
  host.clock.time += std::chrono::milliseconds(1);
  while (drain.pass() > 0) {
  }
  std::string expected;
  for (int i = 1; i <= 301; ++i) expected += std::to_string(i) + "\n";
  BOOST_TEST(text_of(host.prefix) == expected);
  BOOST_TEST(drain.counters().taken_in_records > 0u);
  BOOST_TEST(drain.counters().drained_records > 0u);
}

BOOST_AUTO_TEST_CASE(the_longest_lines_arrive) {
  Host host;
  host.make_ring();
  auto log = host.writer();
  const std::string ring_size = std::string(65535, 'r') + "\n";
  const std::string spill_size = std::string(kMaxSpillBytes - 1, 's') + "\n";
  BOOST_TEST((log.append(host.clock.time, ring_size) == Append::written));
  BOOST_TEST((log.append(host.clock.time, spill_size) == Append::spilled));
  BOOST_TEST((log.append(host.clock.time, "x" + spill_size) == Append::dropped));
  auto drain = host.drain();
  drain.recover();
  host.clock.time += std::chrono::milliseconds(1);
  while (drain.pass() > 0) {
  }
  BOOST_TEST((text_of(host.prefix) == ring_size + spill_size));
  BOOST_TEST(drain.counters().dropped_records == 1u);
}

BOOST_AUTO_TEST_CASE(with_spilling_forbidden_drops_are_counted) {
  Host host;
  RingLog log(host.ring, "", host.files);
  BOOST_TEST((log.append(host.clock.time, "x\n") == Append::dropped));
  BOOST_TEST(log.uncounted_drops() == 1u);
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  host.clock.time += std::chrono::seconds(1);
  BOOST_TEST((log.append(host.clock.time, "y\n") == Append::written));
  BOOST_TEST(log.uncounted_drops() == 0u);
  BOOST_TEST(drain.counters().dropped_records == 1u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_under_the_spill_drops_and_spoils_no_other_record) {
  Host host;
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "1\n") == Append::spilled));
  host.files.bytes_left = 20;
  BOOST_TEST((log.append(host.clock.time, "2\n") == Append::dropped));
  host.files.bytes_left = 10000;
  BOOST_TEST((log.append(host.clock.time, "3\n") == Append::spilled));
  host.files.can_open = false;
  BOOST_TEST((log.append(host.clock.time, "4\n") == Append::dropped));
  host.files.can_open = true;
  host.files.bytes_left = INT64_MAX;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.pass() == 2u);
  BOOST_TEST(text_of(host.prefix) == "1\n3\n");
  BOOST_TEST(drain.counters().torn_spills == 1u);
}

BOOST_AUTO_TEST_CASE(a_spill_that_cannot_be_had_does_not_stop_the_ring) {
  Host host;
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  host.clock.time += std::chrono::seconds(1);
  BOOST_TEST((log.append(host.clock.time, "two\n") == Append::written));
  host.files.can_rename = false;
  BOOST_CHECK_THROW(drain.pass(), IoError);
  BOOST_TEST(text_of(host.prefix) == "two\n");
  host.files.can_rename = true;
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(text_of(host.prefix) == "two\none\n");
}

BOOST_AUTO_TEST_CASE(a_spilled_line_without_an_end_is_left_out_and_counted) {
  Host host;
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
  std::ofstream(spill_path(host.prefix), std::ios::app) << std::string(3 * kMaxSpillBytes, 'x');
  BOOST_TEST((log.append(host.clock.time, "two\n") == Append::spilled));
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.pass() == 2u);
  BOOST_TEST(text_of(host.prefix) == "one\ntwo\n");
  BOOST_TEST(drain.counters().torn_spills > 0u);
}

BOOST_AUTO_TEST_CASE(a_spill_file_stays_until_its_last_writer_is_done) {
  Host host;
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
  // A writer stopped between its lock and its write.
  const auto late = host.files.open_append(spill_path(host.prefix), 0660);
  BOOST_REQUIRE(::flock(late.get(), LOCK_SH | LOCK_NB) == 0);
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(host.has("log.spill.0"));
  std::string record;
  append_spilled(host.clock.time, "late\n", record);
  host.files.write_all(late.get(), record.substr(0, 20), "late");
  BOOST_TEST(drain.pass() == 0u);
  host.files.write_all(late.get(), record.substr(20), "late");
  ::flock(late.get(), LOCK_UN);
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(!host.has_spill());
  BOOST_TEST(text_of(host.prefix) == "one\nlate\n");
  BOOST_TEST(drain.counters().torn_spills == 0u);
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_spill_file_gives_its_whole_records) {
  std::string text;
  std::vector<std::size_t> ends;
  for (int i = 0; i < 4; ++i) {
    append_spilled(UnixNanos(std::chrono::nanoseconds(i)), std::to_string(i) + " line\n", text);
    ends.push_back(text.size());
  }
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Host host;
    std::ofstream(spill_path(host.prefix)) << text.substr(0, cut);
    auto drain = host.drain("none");
    drain.recover();
    const auto whole = std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin();
    BOOST_REQUIRE_EQUAL(drain.pass(), static_cast<std::size_t>(whole));
    const auto start = whole == 0 ? 0 : ends[static_cast<std::size_t>(whole) - 1];
    BOOST_REQUIRE_EQUAL(drain.counters().torn_spills, cut > start + 1 ? 1u : 0u);
    // An empty one is left to the writer who has just made it.
    BOOST_REQUIRE_EQUAL(host.has_spill(), cut == 0);
  }
}

BOOST_AUTO_TEST_CASE(names_that_somebody_made_have_no_record_taken_in_twice) {
  for (const char* planted : {"07", "007", "+7", " 7", "7 ", "18446744073709551615"}) {
    Host host;
    std::string text;
    append_spilled(host.clock.time, "one\n", text);
    std::ofstream(spill_path(host.prefix) + ".7") << text;
    std::ofstream(spill_path(host.prefix) + "." + planted) << "";
    auto drain = host.drain("none");
    drain.recover();
    BOOST_TEST_CONTEXT(planted) {
      BOOST_TEST(drain.pass() == 1u);
      BOOST_TEST(text_of(host.prefix) == "one\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(folders_under_the_next_numbers_are_passed) {
  Host host;
  auto drain = host.drain("none");
  drain.recover();
  for (const char* number : {".0", ".1", ".2"}) {
    std::filesystem::create_directory(spill_path(host.prefix) + number);
  }
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(text_of(host.prefix) == "one\n");
}

BOOST_AUTO_TEST_CASE(every_flip_in_a_spill_file_costs_that_record_alone) {
  std::string text;
  append_spilled(UnixNanos(std::chrono::nanoseconds(1)), "one line\n", text);
  const auto first = text.size();
  append_spilled(UnixNanos(std::chrono::nanoseconds(2)), "another\n", text);
  for (std::size_t bit = 8; bit < (first - 1) * 8; ++bit) {
    Host host;
    auto flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    std::ofstream(spill_path(host.prefix)) << flipped;
    auto drain = host.drain("none");
    drain.recover();
    drain.pass();
    const auto log = text_of(host.prefix);
    const bool is_same_number = std::string(1, flipped[bit / 8]) != std::string(1, text[bit / 8]) &&
                                std::tolower(flipped[bit / 8]) == text[bit / 8];  // A for a
    BOOST_REQUIRE_EQUAL(log, is_same_number && bit / 8 < 34 ? "one line\nanother\n" : "another\n");
  }
}

}  // namespace manhattan::log
