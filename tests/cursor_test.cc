// SPDX-License-Identifier: MIT
// Observers of a ring, single-stepped.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE cursor
#include <boost/test/unit_test.hpp>
#include <string>
#include <thread>

#include "ring/cursor.h"
#include "ring/writer.h"
#include "tests/support/ring_memory.h"

namespace manhattan::ring {
namespace {

using testing::drain;
using testing::kNow;
using testing::RingMemory;

}  // namespace

BOOST_AUTO_TEST_CASE(an_observer_sees_what_comes_and_takes_nothing) {
  RingMemory memory;
  Writer writer(memory.view());
  Reader reader(memory.view());
  BOOST_TEST((writer.append(0, kNow, "before") == Write::written));
  Cursor all(memory.view(), Cursor::From::oldest), later(memory.view(), Cursor::From::now);
  BOOST_TEST((writer.append(0, kNow, "after") == Write::written));
  Observed frame;
  BOOST_TEST((all.next(frame) == Cursor::Next::frame));
  BOOST_TEST(frame.payload == "before");
  BOOST_TEST((later.next(frame) == Cursor::Next::frame));
  BOOST_TEST(frame.payload == "after");
  BOOST_TEST((later.next(frame) == Cursor::Next::nothing));
  BOOST_TEST(drain(reader) == "beforeafter");
}

BOOST_AUTO_TEST_CASE(a_frame_that_was_given_up_is_passed) {
  RingMemory memory;
  const auto ring = memory.view();
  Writer writer(ring);
  Cursor cursor(ring, Cursor::From::oldest);
  BOOST_TEST((writer.append(0, kNow, "given up") == Write::written));
  BOOST_TEST((writer.append(0, kNow, "behind") == Write::written));
  auto& control = ring.cell(0, 0).control;
  control = Control{control.load()}.with(State::abandoned).word;
  Observed frame;
  BOOST_TEST((cursor.next(frame) == Cursor::Next::frame));
  BOOST_TEST(frame.payload == "behind");
}

BOOST_AUTO_TEST_CASE(an_overrun_tells_the_most_that_it_may_have_missed) {
  RingMemory memory;
  Writer writer(memory.view());
  Reader reader(memory.view());
  Cursor cursor(memory.view(), Cursor::From::now);
  for (int i = 0; i < 100; ++i) {  // of two cells each, so one of 64 cells is lapped
    BOOST_TEST((writer.append(0, kNow, std::string(60, 'x')) == Write::written));
    drain(reader);
  }
  Observed frame;
  BOOST_TEST((cursor.next(frame) == Cursor::Next::overrun));
  BOOST_TEST(cursor.most_missed() == 200u);
  BOOST_TEST((cursor.next(frame) == Cursor::Next::nothing));
  BOOST_TEST((writer.append(0, kNow, "next") == Write::written));
  BOOST_TEST((cursor.next(frame) == Cursor::Next::frame));
  BOOST_TEST(frame.payload == "next");
}

BOOST_AUTO_TEST_CASE(an_observer_behind_damage_goes_on_with_the_reader) {
  RingMemory memory;
  const auto ring = memory.view();
  Writer writer(ring);
  Reader reader(ring);
  ring.shards[0].tail.word = 7;  // damage: nothing was begun there
  Cursor cursor(ring, Cursor::From::now);
  Observed frame;
  BOOST_TEST((cursor.next(frame) == Cursor::Next::nothing));
  drain(reader);
  for (int i = 0; i < 9; ++i) {
    BOOST_TEST((writer.append(0, kNow, std::string(60, 'x')) == Write::written));
    drain(reader);
  }
  auto next = cursor.next(frame);
  if (next == Cursor::Next::overrun) next = cursor.next(frame);
  BOOST_TEST((next == Cursor::Next::nothing));
  BOOST_TEST((writer.append(0, kNow, "sound") == Write::written));
  BOOST_TEST((cursor.next(frame) == Cursor::Next::frame));
  BOOST_TEST(frame.payload == "sound");
}

BOOST_AUTO_TEST_CASE(what_the_reader_takes_ends_an_observers_sleep) {
  RingMemory memory;
  Writer writer(memory.view());
  Reader reader(memory.view());
  const Cursor cursor(memory.view(), Cursor::From::now);
  const auto before = cursor.moves();
  BOOST_TEST((writer.append(0, kNow, "x") == Write::written));
  BOOST_TEST(cursor.moves() == before);  // a writer knows of no observer
  std::thread taking([&] { drain(reader); });
  cursor.sleep(before, std::chrono::hours(1));
  taking.join();
  BOOST_TEST(cursor.moves() == before + 1);
  cursor.sleep(before, std::chrono::hours(1));
  drain(reader);
  BOOST_TEST(cursor.moves() == before + 1);  // nothing moved, nobody is woken
}

}  // namespace manhattan::ring
