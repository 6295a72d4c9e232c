// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE ring
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <random>
#include <regex>
#include <sstream>
#include <string>

#include "base/files.h"
#include "ring/frame.h"
#include "ring/owner.h"
#include "ring/reader.h"
#include "ring/writer.h"
#include "tests/support/ring_memory.h"
#include "tests/support/vectors.h"

namespace manhattan::ring {
namespace {

using testing::drain;
using testing::kNow;
using testing::later;
using testing::payload_of;
using testing::RingMemory;

constexpr std::uint32_t kMyCells = 8;

Control reserve(const View& ring, std::uint64_t position, std::uint32_t cells,
                std::uint32_t owner) {
  const auto control = Control::of(ring.lap(position), State::reserved, cells, owner);
  ring.cell(0, position).control = control.word;
  ring.shards[0].tail.word = position + cells;
  return control;
}

/// Commits a frame at a place of choice, as the writer does.
void put(const View& ring, std::uint32_t shard, std::uint64_t position, UnixNanos at,
         const std::string& text) {
  const auto at_ns = at.time_since_epoch().count();
  const auto sum = bind(digest(text.data(), text.size()), position, at_ns, 0);
  const auto cells = cells_for(text.size());
  copy_in(ring, shard, position, {sum, at_ns, static_cast<std::uint32_t>(text.size()), 0},
          text.data());
  ring.cell(shard, position).control =
      Control::of(ring.lap(position), State::committed, cells, 0).word;
  ring.shards[shard].tail.word = position + cells;
}

/// The id of a process that is no more, and one that is a zombie until the end of the test.
struct Dead {
  Dead() : pid(::fork()) {
    if (pid == 0) ::_exit(0);
  }
  ~Dead() { reap(); }
  void reap() {
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    pid = 0;
  }
  void wait_for_end() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  }
  pid_t pid;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_written_frame_is_read_once) {
  RingMemory memory;
  Writer writer(memory.view());
  Reader reader(memory.view());
  BOOST_TEST((writer.append(0, kNow, "hello\n") == Write::written));
  BOOST_TEST(drain(reader) == "hello\n");
  BOOST_TEST(drain(reader).empty());
  BOOST_TEST(reader.tally().taken == 1u);
}

BOOST_AUTO_TEST_CASE(every_length_comes_out_as_it_went_in) {
  RingMemory memory(1, 13);
  Writer writer(memory.view());
  Reader reader(memory.view());
  for (std::size_t length = 0; length < 700; ++length) {
    const auto payload = payload_of(length, static_cast<unsigned>(length));
    BOOST_REQUIRE((writer.append(0, kNow, payload) == Write::written));
    BOOST_REQUIRE_EQUAL(drain(reader), payload);
  }
  const auto longest = payload_of(kMaxPayloadBytes, 3);
  for (int i = 0; i < 20; ++i) {  // over the end of the shard, too
    BOOST_REQUIRE((writer.append(0, kNow, longest) == Write::written));
    BOOST_REQUIRE(drain(reader) == longest);
  }
  BOOST_TEST(reader.tally().corrupt == 0u);
}

BOOST_AUTO_TEST_CASE(too_long_a_frame_is_refused) {
  RingMemory large(1, 13), small(1, 6);
  BOOST_TEST((Writer(large.view()).append(0, kNow, std::string(kMaxPayloadBytes + 1, 'x')) ==
              Write::too_long));
  const std::string quarter(16 * 56 - 24, 'x');
  BOOST_TEST((Writer(small.view()).append(0, kNow, quarter) == Write::written));
  BOOST_TEST((Writer(small.view()).append(0, kNow, quarter + "x") == Write::too_long));
}

BOOST_AUTO_TEST_CASE(a_full_ring_refuses_until_it_is_drained) {
  RingMemory memory;
  const auto ring = memory.view();
  Writer writer(ring);
  Reader reader(ring);
  const std::string payload(100, 'x');  // 3 cells of 64
  for (int i = 0; i < 21; ++i) BOOST_TEST((writer.append(0, kNow, payload) == Write::written));
  BOOST_TEST((writer.append(0, kNow, payload) == Write::full));
  BOOST_TEST((writer.append(0, kNow, "1 cell") == Write::written));
  BOOST_TEST((writer.append(0, kNow, "1 cell") == Write::full));
  BOOST_TEST(ring.header->full.word == 2u);
  BOOST_TEST(drain(reader).size() == 2106u);
  BOOST_TEST((writer.append(0, kNow, payload) == Write::written));
}

BOOST_AUTO_TEST_CASE(laps_wrap_around) {
  RingMemory memory;
  memory.start_at((std::uint64_t{kLapMask} << 6) - 200);  // laps near the end of their 29 bits
  Writer writer(memory.view());
  Reader reader(memory.view());
  for (int i = 0; i < 1000; ++i) {
    const auto text = std::to_string(i) + std::string(i % 90, '.');
    BOOST_REQUIRE((writer.append(0, kNow, text) == Write::written));
    BOOST_REQUIRE_EQUAL(drain(reader), text);
  }
  BOOST_TEST(memory.view().lap(reader.positions()[0]) < 100u);
}

BOOST_AUTO_TEST_CASE(a_tail_left_behind_is_helped_forward) {
  RingMemory memory;
  const auto ring = memory.view();
  Writer writer(ring);
  BOOST_TEST((writer.append(0, kNow, "a") == Write::written));
  BOOST_TEST((writer.append(0, kNow, "b") == Write::written));
  ring.shards[0].tail.word = 0;  // as if both had died before they moved it
  BOOST_TEST((writer.append(0, kNow, "c") == Write::written));
  Reader reader(ring);
  BOOST_TEST(drain(reader) == "abc");
}

BOOST_AUTO_TEST_CASE(a_tail_that_stays_a_lap_behind_is_damage) {
  RingMemory memory;
  const auto ring = memory.view();
  ring.cell(0, 0).control = Control::of(ring.lap(0) + 1, State::committed, 1, 0).word;
  BOOST_TEST((Writer(ring).append(0, kNow, "x") == Write::damaged));
}

BOOST_AUTO_TEST_CASE(a_dead_writers_frame_is_skipped_and_counted) {
  RingMemory memory;
  const auto ring = memory.view();
  Dead dead;
  dead.wait_for_end();
  reserve(ring, 0, kMyCells, static_cast<std::uint32_t>(dead.pid));
  BOOST_TEST((Writer(ring).append(0, kNow, "behind") == Write::written));
  Reader reader(ring);
  BOOST_TEST(drain(reader).empty());  // it may be in the middle of its copy
  BOOST_TEST(drain(reader, later(2'000'000)) == "behind");
  BOOST_TEST(reader.tally().abandoned == 1u);

  const auto gone = static_cast<std::uint32_t>(dead.pid);
  dead.reap();
  BOOST_TEST(is_gone(gone));
  BOOST_TEST(!is_gone(current_owner()));
}

BOOST_AUTO_TEST_CASE(a_living_writer_is_given_up_after_a_second) {
  for (const std::uint32_t owner : {current_owner(), 0u}) {
    RingMemory memory;
    const auto ring = memory.view();
    auto mine = reserve(ring, 0, kMyCells, owner);
    BOOST_TEST((Writer(ring).append(0, kNow, "behind") == Write::written));
    Reader reader(ring);
    for (const auto ms : {0, 500, 999}) BOOST_TEST(drain(reader, later(ms * 1'000'000L)).empty());
    BOOST_TEST(reader.has_unripe());
    BOOST_TEST(drain(reader, later(1'000'000'000)) == "behind");
    BOOST_TEST(reader.tally().abandoned == 1u);
    // Its commit comes too late (invariant 3).
    BOOST_TEST(!ring.cell(0, 0).control.compare_exchange_strong(mine.word,
                                                                mine.with(State::committed).word));
  }
}

BOOST_AUTO_TEST_CASE(a_reader_killed_after_giving_up_counts_it_once) {
  RingMemory memory;
  const auto ring = memory.view();
  const auto mine = reserve(ring, 0, kMyCells, 0);
  ring.cell(0, 0).control = mine.with(State::abandoned).word;
  Reader first(ring), second(ring);
  Batch batch(1000);
  first.begin(kNow);
  first.take(kNow, batch);  // and is killed before it publishes
  BOOST_TEST(first.tally().abandoned == 1u);
  BOOST_TEST(drain(second).empty());
  BOOST_TEST(second.tally().abandoned == 1u);
  BOOST_TEST(second.positions()[0] == kMyCells);
}

BOOST_AUTO_TEST_CASE(any_flipped_bit_of_a_frame_is_found) {
  const auto payload = payload_of(150, 1);
  for (std::size_t bit = 0; bit < (3 + 19) * 64; ++bit) {
    RingMemory memory;
    const auto ring = memory.view();
    Writer writer(ring);
    BOOST_REQUIRE((writer.append(0, kNow, payload) == Write::written));
    BOOST_REQUIRE((writer.append(0, kNow, "behind") == Write::written));
    const auto word = bit / 64;
    if (word == 2 && bit % 64 >= 40) continue;              // unused bits
    if (word == 21 && bit % 64 >= (150 % 8) * 8) continue;  // padding
    ring.cell(0, word / 7).words[word % 7] ^= std::uint64_t{1} << bit % 64;
    Reader reader(ring);
    // A flip in the time may put it into the next second: a time like that waits.
    BOOST_REQUIRE_EQUAL(drain(reader, later(2'000'000'000)), "behind");
    BOOST_REQUIRE(reader.tally().corrupt == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_frame_of_an_earlier_lap_is_no_frame_of_this_one) {
  RingMemory memory;
  const auto ring = memory.view();
  Writer writer(ring);
  Reader reader(ring);
  for (int i = 0; i < 64; ++i) {
    BOOST_REQUIRE((writer.append(0, kNow, "old") == Write::written));
  }
  drain(reader);
  const auto next = reserve(ring, 64, 1, current_owner());
  ring.cell(0, 64).control = next.with(State::committed).word;  // committed, and nothing copied
  BOOST_TEST(drain(reader).empty());
  BOOST_TEST(reader.tally().corrupt == 1u);
}

BOOST_AUTO_TEST_CASE(damaged_hints_are_mended) {
  for (const std::uint64_t wrong : {0ul, 3ul, 1000ul, ~0ul, 1ul << 63, 70ul}) {
    RingMemory memory;
    const auto ring = memory.view();
    Writer writer(ring);
    Reader reader(ring);
    for (int i = 0; i < 70; ++i) {
      BOOST_REQUIRE((writer.append(0, kNow, "x") == Write::written));
      drain(reader);
    }
    ring.shards[0].tail.word = wrong;
    ring.shards[0].head.word = wrong;
    ring.shards[0].wake_at.word = wrong;
    drain(reader);
    BOOST_TEST((writer.append(0, kNow, "sound") == Write::written));
    BOOST_TEST(drain(reader) == "sound");
  }
}

BOOST_AUTO_TEST_CASE(impossible_control_words_are_passed) {
  std::mt19937_64 random(std::getenv("SEED") ? std::strtoul(std::getenv("SEED"), nullptr, 10) : 5);
  for (int round = 0; round < 2000; ++round) {
    RingMemory memory;
    const auto ring = memory.view();
    Writer writer(ring);
    Reader reader(ring);
    std::string expected;
    for (int i = 0; i < 12; ++i) {
      BOOST_REQUIRE((writer.append(0, kNow, payload_of(i * 9, i)) == Write::written));
    }
    const auto victim = random() % 64;
    auto& control = ring.cell(0, victim).control;
    control = round % 2 ? random() : control ^ (std::uint64_t{1} << random() % 64);
    for (int pass = 0; pass < 5; ++pass) drain(reader, later(pass * 600'000'000L));
    // Whatever it was, the ring works again and says that something was lost.
    for (int i = 0; i < 100; ++i) {
      BOOST_REQUIRE((writer.append(0, kNow, "sound") == Write::written));
      BOOST_REQUIRE_EQUAL(drain(reader, later(4'000'000'000L + i * 2'000'000'000L)), "sound");
    }
    BOOST_REQUIRE(reader.tally().taken <= 112u);
  }
}

BOOST_AUTO_TEST_CASE(what_an_unfinished_frame_hides_is_not_overtaken) {
  RingMemory memory(2, 6);
  const auto ring = memory.view();
  Reader reader(ring);
  put(ring, 1, 0, later(1), "first ");
  BOOST_TEST(drain(reader, later(5)) == "first ");
  const auto unfinished = reserve(ring, 0, 1, 0);
  put(ring, 0, 1, later(10), "hidden ");
  put(ring, 1, 1, later(4), "older ");  // begun before shard 0 was last seen empty: may go
  put(ring, 1, 2, later(20), "newer ");
  BOOST_TEST(drain(reader, later(30)) == "older ");
  BOOST_TEST(reader.has_unripe());
  BOOST_TEST((reader.ripe_until() == later(5)));
  ring.cell(0, 0).control = unfinished.with(State::abandoned).word;
  BOOST_TEST(drain(reader, later(40)) == "hidden newer ");
}

BOOST_AUTO_TEST_CASE(a_sleep_does_not_begin_over_a_frame) {
  RingMemory memory;
  const auto ring = memory.view();
  Reader reader(ring);
  const auto seen = ring.header->futex.word.load();
  BOOST_TEST((Writer(ring).append(0, kNow, "x") == Write::written));
  reader.sleep(Reader::Until::any_frame, seen, std::chrono::hours(1));
  BOOST_TEST(ring.header->futex.word.load() == seen);  // nobody had to wake it
}

BOOST_AUTO_TEST_CASE(a_time_from_afar_does_not_hold_the_ring) {
  RingMemory memory;
  Writer writer(memory.view());
  Reader reader(memory.view());
  BOOST_TEST((writer.append(0, kNow + std::chrono::hours(1), "ahead") == Write::written));
  BOOST_TEST((writer.append(0, kNow, "behind") == Write::written));
  BOOST_TEST(drain(reader) == "aheadbehind");
}

BOOST_AUTO_TEST_CASE(only_a_ring_of_this_version_is_taken) {
  const auto why_after = [](auto change) {
    RingMemory memory;
    change(*reinterpret_cast<Identity*>(memory.span().data()));
    BOOST_TEST(!view(memory.span()).has_value());
    return std::string(why_not(memory.span()));
  };
  BOOST_TEST(why_after([](Identity& of) { of.magic[0] = 'X'; }) == "not a ring");
  BOOST_TEST(why_after([](Identity& of) { of.version = 2; }) == "a ring of another version");
  BOOST_TEST(why_after([](Identity& of) { of.byte_order = 0x04030201; }) ==
             "a ring of another byte order");
  BOOST_TEST(why_after([](Identity& of) { of.cells_log2 = 33; }) == "a ring with impossible sizes");
  BOOST_TEST(why_after([](Identity& of) { of.shard_count = 0; }) == "a ring with impossible sizes");
  BOOST_TEST(why_after([](Identity& of) { of.file_bytes += 64; }) ==
             "a ring with impossible sizes");
  RingMemory memory;
  BOOST_TEST(why_not(memory.span().first(memory.span().size() - 64)) == "a ring cut short");
  BOOST_TEST(why_not(memory.span().first(100)) == "too short to be a ring");
}

BOOST_AUTO_TEST_CASE(the_man_pages_example_is_a_ring_with_a_frame) {
  std::istringstream page(
      base::read_file(manhattan::tests::data_path("../../man/manhattan-ring.5")));
  RingMemory memory(1, 4, 0);
  memory.start_at(16);
  const auto bytes = memory.span();
  std::size_t found = 0;
  for (std::string line; std::getline(page, line);) {
    const std::regex dump("([0-9a-f]{8}) (( [0-9a-f]{2}){16})");
    std::smatch match;
    if (!std::regex_match(line, match, dump)) continue;
    std::istringstream values(match[2]);
    auto at = std::stoul(match[1], nullptr, 16);
    for (unsigned value; values >> std::hex >> value; ++found) bytes[at++] = std::byte(value);
  }
  BOOST_TEST(found == 128u);
  const auto ring = view(bytes);
  BOOST_REQUIRE(ring.has_value());
  BOOST_TEST(ring->epoch == 7u);
  ring->shards[0].tail.word = 17;
  Reader reader(*ring);
  BOOST_TEST(drain(reader) == "1\tpixel\t1800000000.0000\tv1\t0\n");
}

BOOST_AUTO_TEST_CASE(a_forked_child_is_its_own_owner) {
  const auto mine = current_owner();
  const auto child = ::fork();
  if (child == 0) ::_exit(current_owner() == mine ? 1 : 0);
  int status = -1;
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
}

}  // namespace manhattan::ring
