// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE ring_threads
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "ring/cursor.h"
#include "ring/owner.h"
#include "ring/reader.h"
#include "ring/writer.h"
#include "tests/support/ring_memory.h"

namespace manhattan::ring {
namespace {

using testing::drain;
using testing::kNow;
using testing::later;
using testing::payload_of;
using testing::RingMemory;

}  // namespace

BOOST_AUTO_TEST_CASE(shards_are_merged_by_time) {
  RingMemory memory(2, 8);
  const auto ring = memory.view();
  std::vector<std::string> in_order;
  std::atomic<int> turn{0};
  // Two threads of different shards take turns; each record begins after the last was committed.
  const auto write = [&](int me) {
    Writer writer(ring);
    for (int i = me; i < 100; i += 2) {
      while (turn != i) std::this_thread::yield();
      (void)!(writer.append(0, later(i), std::to_string(i) + " ") == Write::written);
      ++turn;
    }
  };
  std::vector<std::thread> threads;
  std::uint32_t shard[2] = {0, 0};
  // Thread ids are given out in turn; go on until two lie in different shards.
  std::atomic<bool> may_start{false};
  for (int me = 0; me < 2;) {
    std::atomic<int> verdict{0};
    std::thread thread([&, me] {
      shard[me] = current_owner() % 2;
      const bool is_wanted = me == 0 || shard[1] != shard[0];
      verdict = is_wanted ? 1 : 2;
      if (!is_wanted) return;
      while (!may_start) std::this_thread::yield();
      write(me);
    });
    while (verdict == 0) std::this_thread::yield();
    if (verdict == 1) {
      threads.push_back(std::move(thread));
      ++me;
    } else {
      thread.join();
    }
  }
  may_start = true;
  for (auto& thread : threads) thread.join();
  Reader reader(ring);
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += std::to_string(i) + " ";
  BOOST_TEST(drain(reader, later(49)).size() == 140u);  // what began after the pass waits
  BOOST_TEST(reader.has_unripe());
  BOOST_TEST(drain(reader, later(200)) == expected.substr(140));
}

BOOST_AUTO_TEST_CASE(writers_of_many_threads_lose_nothing) {
  RingMemory memory(4, 10);
  const auto ring = memory.view();
  constexpr int kWriters = 6, kEach = 4000;
  std::atomic<int> running{kWriters};
  std::vector<std::thread> threads;
  for (int me = 0; me < kWriters; ++me) {
    threads.emplace_back([&, me] {
      Writer writer(ring);
      for (int i = 0; i < kEach;) {
        const auto text = std::to_string(me) + " " + std::to_string(i) + std::string(i % 200, '.');
        if (writer.append(0, kNow, text + "\n") == Write::written)
          ++i;
        else
          std::this_thread::yield();
      }
      --running;
    });
  }
  Reader reader(ring);
  std::string all;
  while (running > 0) {
    all += drain(reader);
    std::this_thread::yield();
  }
  all += drain(reader);
  for (auto& thread : threads) thread.join();
  std::vector<int> next(kWriters, 0);
  bool is_in_order = true;
  for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1) {
    const int me = all[at] - '0';
    is_in_order = is_in_order && std::stoi(all.substr(at + 2, 8)) == next[me]++;
  }
  BOOST_TEST(is_in_order);
  BOOST_TEST(reader.tally().taken == std::uint64_t{kWriters} * kEach);
  BOOST_TEST(reader.tally().abandoned + reader.tally().corrupt == 0u);
}

BOOST_AUTO_TEST_CASE(a_sleeping_reader_is_woken) {
  RingMemory memory;
  const auto ring = memory.view();
  constexpr int kRounds = 3000;
  std::atomic<int> seen{0};
  std::thread writing([&] {
    Writer writer(ring);
    for (int i = 0; i < kRounds; ++i) {
      while (seen < i) std::this_thread::yield();
      while (writer.append(0, kNow, "x") != Write::written) std::this_thread::yield();
    }
  });
  Reader reader(ring);
  int late = 0;
  while (seen < kRounds) {
    const auto token = ring.header->futex.word.load(std::memory_order_acquire);
    const auto got = drain(reader).size();
    seen += static_cast<int>(got);
    if (seen == kRounds || got > 0) continue;
    const auto before = std::chrono::steady_clock::now();
    reader.sleep(Reader::Until::any_frame, token, std::chrono::seconds(20));
    if (std::chrono::steady_clock::now() - before > std::chrono::seconds(10)) ++late;
  }
  writing.join();
  BOOST_TEST(late == 0);
}

BOOST_AUTO_TEST_CASE(an_observers_copies_are_whole) {
  RingMemory memory(2, 8);
  const auto ring = memory.view();
  std::atomic<bool> is_done{false};
  const auto numbered = [](unsigned number) {
    return std::to_string(number) + " " + payload_of(20 + number % 300, number);
  };
  std::thread writing([&] {
    Writer writer(ring);
    for (unsigned i = 0; i < 30000; ++i) {
      const auto text = numbered(i);
      while (writer.append(1, kNow, text) != Write::written) std::this_thread::yield();
    }
    is_done = true;
  });
  std::thread draining([&] {
    Reader reader(ring);
    while (!is_done) drain(reader);
    drain(reader);
  });
  Cursor cursor(ring, Cursor::From::oldest);
  Observed frame;
  std::uint64_t seen = 0, torn = 0, overruns = 0;
  for (bool is_last = false; !is_last;) {
    is_last = is_done;
    for (auto next = cursor.next(frame); next != Cursor::Next::nothing; next = cursor.next(frame)) {
      if (next == Cursor::Next::overrun) {
        ++overruns;
        continue;
      }
      ++seen;
      const auto number = static_cast<unsigned>(std::atoi(frame.payload.c_str()));
      const bool is_one_of_ours = frame.payload == numbered(number);
      if (!is_one_of_ours || frame.kind != 1) ++torn;
    }
  }
  writing.join();
  draining.join();
  BOOST_TEST(torn == 0u);
  BOOST_TEST(seen > 0u);
  BOOST_TEST_MESSAGE(seen << " seen, " << overruns << " overruns");
}

}  // namespace manhattan::ring
