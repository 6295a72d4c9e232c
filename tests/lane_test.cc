// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE lane
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <future>
#include <stdexcept>
#include <vector>

#include "base/lane.h"

using manhattan::base::Lane;

BOOST_AUTO_TEST_CASE(jobs_are_done_in_the_order_in_which_they_are_given) {
  std::vector<int> done;
  Lane lane(3);
  for (int i = 0; i < 1000; ++i) lane.post([&done, i] { done.push_back(i); });
  lane.wait();
  BOOST_TEST(done.size() == 1000u);
  BOOST_TEST(std::is_sorted(done.begin(), done.end()));
}

BOOST_AUTO_TEST_CASE(no_more_wait_than_may) {
  std::promise<void> go;
  std::atomic<int> given = 0;
  Lane lane(2);
  const auto held = go.get_future().share();
  lane.post([held] { held.wait(); });
  std::thread giver([&] {
    for (; given < 10; ++given) lane.post([] {});
  });
  while (given < 2) std::this_thread::yield();
  BOOST_TEST(given <= 3);  // one may be on its way from the queue
  go.set_value();
  giver.join();
  lane.wait();
  BOOST_TEST(given == 10);
}

BOOST_AUTO_TEST_CASE(what_a_job_throws_is_told_once_and_drops_what_waits) {
  bool is_done = false;
  std::promise<void> go;
  Lane lane(8);
  const auto held = go.get_future().share();
  lane.post([held] {
    held.wait();
    throw std::runtime_error("no");
  });
  lane.post([&is_done] { is_done = true; });
  go.set_value();
  BOOST_CHECK_THROW(lane.wait(), std::runtime_error);
  lane.wait();
  BOOST_TEST(!is_done);
  lane.post([&is_done] { is_done = true; });
  lane.wait();
  BOOST_TEST(is_done);
}

BOOST_AUTO_TEST_CASE(a_lane_ends_after_the_job_that_was_begun) {
  std::promise<void> begun, go;
  std::atomic<int> done = 0;
  {
    Lane lane(8);
    lane.post([&, held = go.get_future().share()] {
      begun.set_value();
      held.wait();
      ++done;
    });
    for (int i = 0; i < 5; ++i) lane.post([&] { ++done; });
    begun.get_future().wait();
    go.set_value();
  }
  BOOST_TEST(done >= 1);  // those that waited may be dropped
}
