// SPDX-License-Identifier: MIT
// The lines that a history keeps until its visitor's first pixel.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE waiting
#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "count/history.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using count::History;

namespace {

std::string packed(const History& history) {
  std::string blob;
  history.pack(blob);
  return blob;
}

std::string taken(History& history) {
  std::string lines;
  history.take_waiting(lines);
  return lines;
}

/// Of a few kinds, with fields that come again, that are empty, and sometimes with very many.
std::string line_of(std::mt19937_64& random) {
  static const std::vector<std::string> kKinds{"page", "goal", "split", "", "a kind to come"};
  static const std::vector<std::string> kFields{"", "-", "1", "GET", "/pie?page=2", "\\xe9\xc3"};
  std::string line = "1\t" + kKinds[random() % kKinds.size()];
  auto fields = random() % 12;
  if (random() % 8 == 0) fields += random() % 12;
  for (; fields > 0; --fields) line += '\t' + kFields[random() % kFields.size()];
  return random() % 50 == 0 ? line.substr(0, random() % 4) : line;
}

/// Says how much is taken of it.
struct Metered final : std::pmr::memory_resource {
  std::size_t bytes = 0;

 private:
  void* do_allocate(std::size_t more, std::size_t alignment) override {
    bytes += more;
    return std::pmr::new_delete_resource()->allocate(more, alignment);
  }
  void do_deallocate(void* data, std::size_t less, std::size_t alignment) override {
    bytes -= less;
    std::pmr::new_delete_resource()->deallocate(data, less, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

/// Two pages and a goal that wait.
History waiting() {
  History history;
  history.add_waiting("1\tpage\t1.5000\t-\t1\t192.0.2.1\tGET\t/pie\tAgent\t");
  history.add_waiting("1\tgoal\t1.6000\t-\t1\tbuy\t2\tS\t");
  history.add_waiting("1\tpage\t1.7000\t-\t1\t192.0.2.1\tGET\t/cake\tAgent\t");
  return history;
}

const std::string kWaiting =
    "1\tpage\t1.5000\t-\t1\t192.0.2.1\tGET\t/pie\tAgent\t\n"
    "1\tgoal\t1.6000\t-\t1\tbuy\t2\tS\t\n"
    "1\tpage\t1.7000\t-\t1\t192.0.2.1\tGET\t/cake\tAgent\t\n";

}  // namespace

BOOST_AUTO_TEST_CASE(the_newest_lines_come_back_as_they_were_and_in_order) {
  std::mt19937_64 random(tests::seed());
  for (int round = 0; round < 30; ++round) {
    History history;
    std::deque<std::string> model;
    const auto many = random() % 3 == 0 ? 1500 : 30;
    for (auto left = random() % static_cast<std::uint64_t>(many) + 1; left > 0; --left) {
      model.push_back(line_of(random));
      const bool has_room = model.size() <= History::kMostWaiting;
      BOOST_REQUIRE(history.add_waiting(model.back()) == (has_room ? 0u : 1u));
      if (!has_room) model.pop_front();
      BOOST_REQUIRE(history.waiting() == model.size());
      if (random() % 20 != 0) continue;
      History again;
      again.unpack(packed(history));
      BOOST_REQUIRE(packed(again) == packed(history));
      history = std::move(again);
    }
    std::string expected;
    for (const auto& line : model) expected += line + '\n';
    BOOST_REQUIRE(taken(history) == expected);
    BOOST_REQUIRE(history.waiting() == 0);
    BOOST_REQUIRE(packed(history) == packed(History()));
  }
}

BOOST_AUTO_TEST_CASE(what_stood_in_a_line_before_takes_no_room) {
  const std::string agent(200, 'a');
  History history;
  for (int i = 0; i < 100; ++i) {
    history.add_waiting("1\tpage\t" + std::to_string(i) + "\t-\t1\t192.0.2.1\tGET\t/pie\t" + agent);
  }
  BOOST_TEST(packed(history).size() < 1000u);
}

BOOST_AUTO_TEST_CASE(lines_that_no_longer_wait_take_no_room) {
  Metered memory;
  History history(&memory);
  const auto add = [&](int lines) {
    for (; lines > 0; --lines) history.add_waiting(std::to_string(lines) + std::string(1000, 'x'));
  };
  add(History::kMostWaiting);
  const auto packed_bytes = packed(history).size();
  const auto bytes = memory.bytes;
  add(10 * History::kMostWaiting);
  BOOST_TEST(packed(history).size() < packed_bytes + 2000);
  BOOST_TEST(memory.bytes < 3 * bytes);
}

BOOST_AUTO_TEST_CASE(no_more_bytes_wait_than_may_whenever_they_are_packed) {
  std::mt19937_64 random(tests::seed());
  for (int round = 0; round < 80; ++round) {
    const std::size_t most = 500 + random() % 20'000;
    History history, packed_at_times;
    std::string all;
    // With very many some go because of their number, too.
    const std::uint32_t lines = round % 2 == 0 ? 3000 : 200;
    std::uint32_t dropped = 0;
    for (std::uint32_t i = 0; i < lines; ++i) {
      auto line = line_of(random);
      if (random() % (lines == 200 ? 4 : 600) == 0)
        line += "\t/" + std::string(random() % 6000, 'u');
      all += line + '\n';
      dropped += history.add_waiting(line, most);
      packed_at_times.add_waiting(line, most);
      if (random() % 7 == 0) packed_at_times.unpack(packed(packed_at_times));
      BOOST_REQUIRE(packed(history).size() < most + 30);
    }
    BOOST_TEST(history.waiting() + dropped == lines);
    const auto kept = taken(history);
    BOOST_TEST(kept == taken(packed_at_times));
    BOOST_TEST(all.ends_with(kept));
    BOOST_TEST(dropped > 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_takes_more_than_may_wait_does_not) {
  History history;
  BOOST_TEST(history.add_waiting("1\tpage\t1\tshort", 100) == 0u);
  BOOST_TEST(history.add_waiting(std::string(101, 'x'), 100) == 2u);
  BOOST_TEST(history.waiting() == 0u);
  BOOST_TEST(packed(history) == packed(History()));
  BOOST_TEST(history.add_waiting("1\tpage\t1\tshort", 100) == 0u);
  BOOST_TEST(taken(history) == "1\tpage\t1\tshort\n");
}

BOOST_AUTO_TEST_CASE(a_history_of_version_1_has_its_lines) {
  const std::string line = "1\tpage\t1.5000\tann\t1\t192.0.2.1\tGET\t/pie\tAgent\t";
  const auto length = std::string(1, static_cast<char>(line.size()));
  History history;
  history.unpack(std::string("\1\0\3\2", 4) + length + line + length + line +
                 std::string("\0\0\0\0\0\0\0", 7));
  BOOST_TEST(history.waiting() == 2u);
  BOOST_TEST(taken(history) == line + '\n' + line + '\n');
}

BOOST_AUTO_TEST_CASE(every_cut_of_lines_that_wait_is_damage) {
  const auto blob = packed(waiting());
  History again;
  again.unpack(blob);
  BOOST_TEST(taken(again) == kWaiting);
  for (std::size_t size = 1; size < blob.size(); ++size) {
    BOOST_CHECK_THROW(again.unpack(std::string_view(blob).substr(0, size)), DamageError);
  }
}

BOOST_AUTO_TEST_CASE(no_flipped_bit_of_lines_that_wait_harms) {
  const auto blob = packed(waiting());
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * blob.size(); ++bit) {
    auto damaged = blob;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    History history;
    try {
      history.unpack(damaged);
      history.add_waiting("1\tpage\t2\t-\t1\t\t\t\t\t");
      taken(history);
    } catch (const DamageError&) {
      ++refused;
    }
  }
  BOOST_TEST(refused > 0);
}

BOOST_AUTO_TEST_CASE(who_was_seen_to_be_human_has_no_lines_that_wait) {
  auto history = waiting();
  history.is_human = true;
  BOOST_CHECK_THROW(History().unpack(packed(history)), DamageError);
}
