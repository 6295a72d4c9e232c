// SPDX-License-Identifier: MIT
// Rings that are cut short, removed or replaced under the drain.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE ring_change
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <fstream>
#include <string>
#include <thread>

#include "log/drain_alarm.h"
#include "ring/bus_guard.h"
#include "tests/support/fcgi_wrapper.h"
#include "tests/support/log_fixture.h"

namespace manhattan::log {
namespace {

using testing::Host;
using testing::text_of;

bool says_cut(const RingError& error) {
  return std::string(error.what()).find("ring' was cut short") != std::string::npos;
}

void append(Host& host, RingLog& log, const std::string& line, Append expected = Append::written) {
  host.clock.time += std::chrono::milliseconds(1);
  BOOST_TEST((log.append(host.clock.time, line) == expected));
}

/// Passes until a ring that was replaced has been left.
void drain_past_the_change(Host& host, Drain& drain) {
  for (int i = 0; i < 4; ++i) {
    drain.pass();
    host.clock.time += std::chrono::seconds(1);
  }
}

/// Where a ring is cut, a fault is jumped out of. ThreadSanitizer does an atomic access in its
/// runtime, under a lock there that a jump does not give back: the next one waits for ever.
boost::test_tools::assertion_result a_fault_can_be_left(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result can(true);
#if defined(__SANITIZE_THREAD__)
  can = false;
  can.message() << "ThreadSanitizer's runtime can't be jumped out of";
#endif
  return can;
}
const boost::unit_test::precondition needs_to_leave_a_fault(a_fault_can_be_left);

}  // namespace

BOOST_AUTO_TEST_CASE(a_ring_cut_short_is_survived_and_replaced, *needs_to_leave_a_fault) {
  for (const off_t left : {0, 100, 4096, 20480, 65536}) {
    Host host;
    host.make_ring();
    auto drain = host.drain();
    drain.recover();
    {
      auto log = host.writer();
      append(host, log, "in the log\n");
      BOOST_TEST(drain.pass() == 1u);
      for (int i = 0; i < 5000; ++i) append(host, log, "lost with the ring\n");
    }
    BOOST_REQUIRE(::truncate(host.ring.c_str(), left) == 0);
    drain.wake();
    drain.wait(std::chrono::hours(1));
    drain.counters();
    BOOST_CHECK_EXCEPTION(drain.pass(), RingError, says_cut);
    BOOST_TEST(drain.counters().lost_rings == 1u);
    auto log = host.writer();
    append(host, log, "after it\n");
    BOOST_TEST(drain.pass() == 1u);
    BOOST_TEST(text_of(host.prefix) == "in the log\nafter it\n");
    BOOST_TEST(drain.counters().drained_records == 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_drain_asleep_on_a_ring_cut_short_can_be_woken, *needs_to_leave_a_fault) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.pass() == 0u);
  std::atomic<pid_t> sleeper{0};
  std::thread thread([&] {
    sleeper = ::gettid();
    drain.wait(std::chrono::hours(1));
  });
  const auto is_asleep = [&] {
    const auto stat =
        test::contents_of("/proc/self/task/" + std::to_string(sleeper.load()) + "/stat");
    return stat.find(") S ") != stat.npos;
  };
  BOOST_TEST(test::becomes_true(is_asleep));
  BOOST_REQUIRE(::truncate(host.ring.c_str(), 0) == 0);
  drain.wake();
  thread.join();
  BOOST_CHECK_EXCEPTION(drain.pass(), RingError, says_cut);
}

BOOST_AUTO_TEST_CASE(a_writer_whose_ring_is_cut_short_spills, *needs_to_leave_a_fault) {
  RingLog::survive_cut_rings();
  for (const off_t left : {0, 4096, 20480}) {
    Host host;
    host.make_ring();
    auto drain = host.drain();
    drain.recover();
    auto log = host.writer();
    append(host, log, "drained\n");
    BOOST_TEST(drain.pass() == 1u);
    BOOST_REQUIRE(::truncate(host.ring.c_str(), left) == 0);
    BOOST_TEST((log.append(host.clock.now(), "spilled\n") == Append::spilled));
    BOOST_CHECK_EXCEPTION(drain.pass(), RingError, says_cut);
    drain_past_the_change(host, drain);
    BOOST_TEST(text_of(host.prefix) == "drained\nspilled\n");
  }
}

BOOST_AUTO_TEST_CASE(without_room_for_another_ring_spills_are_taken_in, *needs_to_leave_a_fault) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  BOOST_REQUIRE(::truncate(host.ring.c_str(), 0) == 0);
  host.files.bytes_left = 1000;
  BOOST_CHECK_THROW(drain.pass(), RingError);
  auto log = host.writer();
  host.files.bytes_left = 1000;  // enough for a record
  append(host, log, "one\n", Append::spilled);
  BOOST_CHECK_THROW(drain.pass(), RingError);
  BOOST_TEST(text_of(host.prefix) == "one\n");
  BOOST_TEST(drain.declared()->offset == 4u);
  host.files.bytes_left = INT64_MAX;
  BOOST_TEST(drain.pass() == 0u);
  host.clock.time += std::chrono::seconds(1);
  append(host, log, "two\n");
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(text_of(host.prefix) == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(a_ring_that_was_removed_is_made_again) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  auto log = host.writer();
  append(host, log, "one\n");
  std::filesystem::remove(host.ring);
  append(host, log, "two\n");
  BOOST_TEST(drain.pass() == 2u);
  BOOST_TEST(host.has("ring"));
  append(host, log, "three\n");  // its writer has moved at once
  BOOST_TEST(drain.pass() == 0u);
  drain_past_the_change(host, drain);
  append(host, log, "four\n");
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(text_of(host.prefix) == "one\ntwo\nthree\nfour\n");
  BOOST_TEST(drain.counters().drained_records == 4u);
}

BOOST_AUTO_TEST_CASE(of_a_ring_that_was_replaced_nothing_is_lost_and_all_comes_first) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  auto slow = host.writer(), quick = host.writer();
  append(host, slow, "slow 1\n");
  std::filesystem::rename(host.ring, host.folder / "old");
  host.make_ring();
  append(host, quick, "quick 1\n");
  append(host, slow, "slow 2\n");
  host.fill_ring(slow);
  BOOST_TEST(drain.counters().full_ring_records > 0u);
  BOOST_TEST(drain.counters().ring_used_bytes > 0u);
  const auto full = drain.counters().full_ring_records;
  drain_past_the_change(host, drain);
  const auto text = text_of(host.prefix);
  BOOST_TEST(text.starts_with("slow 1\nslow 2\n"));
  BOOST_TEST(text.find("quick 1\n") != text.npos);
  BOOST_TEST(drain.counters().full_ring_records == full);
}

struct Spoiling {
  const char* says;
  off_t offset;
  std::string bytes;
};
const Spoiling kSpoilings[] = {
    {"no magic", offsetof(ring::Header, identity.magic), "x"},
    {"another version", offsetof(ring::Header, identity.version), std::string(4, 9)},
    {"impossible sizes", offsetof(ring::Header, identity.cells_log2), std::string(4, '\xff')},
    {"another epoch", offsetof(ring::Header, identity.epoch), "other"},
    {"nothing but zeros", 0, std::string(sizeof(ring::Header), '\0')},
    {"writers are told to leave", offsetof(ring::Header, retired), std::string(1, '\1')},
};

void spoil(const std::string& path, const Spoiling& how) {
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  BOOST_REQUIRE(::pwrite(fd.get(), how.bytes.data(), how.bytes.size(), how.offset) ==
                static_cast<ssize_t>(how.bytes.size()));
}

BOOST_AUTO_TEST_CASE(of_a_ring_that_was_spoilt_nothing_is_lost_and_another_takes_its_place) {
  for (const auto& how : kSpoilings) {
    BOOST_TEST_CONTEXT(how.says) {
      Host host;
      host.make_ring();
      auto drain = host.drain();
      drain.recover();
      auto log = host.writer();
      append(host, log, "before\n");
      spoil(host.ring, how);
      auto late = host.writer();
      append(host, late, "beside\n",
             how.says == kSpoilings[3].says ? Append::written : Append::spilled);
      BOOST_CHECK_EXCEPTION(drain.pass(), RingError, [](const RingError& error) {
        return std::string(error.what()).find("was spoilt by a writer") != std::string::npos;
      });
      drain_past_the_change(host, drain);  // and says no more
      host.clock.time += std::chrono::seconds(1);
      append(host, log, "after\n");
      append(host, late, "after it\n");
      BOOST_TEST(drain.pass() == 2u);
      BOOST_TEST(text_of(host.prefix) == "before\nbeside\nafter\nafter it\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_spoilt_ring_is_put_aside_at_the_start_and_what_is_no_ring_is_not) {
  Host host;
  host.make_ring();
  spoil(host.ring, kSpoilings[0]);
  {
    const base::UniqueFd drained(::open(host.ring.c_str(), O_RDONLY | O_CLOEXEC));
    BOOST_REQUIRE(::flock(drained.get(), LOCK_EX) == 0);
    BOOST_CHECK_THROW(ring::ensure_ring(host.files, host.ring), ConfigError);
  }
  BOOST_TEST(ring::ensure_ring(host.files, host.ring));
  BOOST_TEST(::access((host.ring + ".spoilt").c_str(), F_OK) == 0);
  BOOST_TEST(!ring::ensure_ring(host.files, host.ring));
  host.files.remove(host.ring);
  std::ofstream(host.ring) << std::string(100'000, 'x');
  ::chmod(host.ring.c_str(), 0660);
  BOOST_CHECK_THROW(ring::ensure_ring(host.files, host.ring), ConfigError);
}

BOOST_AUTO_TEST_CASE(an_idle_drain_sleeps_until_a_spill_or_another_ring) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  drain.pass();
  const DrainAlarm alarm(drain, host.ring, host.prefix);
  RingLog far(host.folder / "no ring", host.prefix, host.files);
  append(host, far, "spilled\n", Append::spilled);
  drain.wait(std::chrono::hours(1));
  BOOST_TEST(drain.pass() == 1u);
  drain.wait(std::chrono::hours(1));  // short: something has just moved
  host.files.remove(host.ring);
  while (!std::filesystem::exists(host.ring)) {
    drain.wait(std::chrono::hours(1));
    drain.pass();
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_ring_takes_no_place) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  std::filesystem::rename(host.ring, host.folder / "old");
  std::ofstream(host.ring) << "no ring";
  BOOST_CHECK_THROW(drain.pass(), RingError);
  auto log = host.writer();
  append(host, log, "one\n", Append::spilled);
  BOOST_CHECK_THROW(drain.pass(), RingError);
  BOOST_TEST(text_of(host.prefix) == "one\n");
}

BOOST_AUTO_TEST_CASE(a_ring_that_another_drains_takes_no_place_until_it_is_free) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  std::filesystem::rename(host.ring, host.folder / "old");
  host.make_ring();
  {
    Drain other(host.ring, host.folder / "other", host.files, host.clock);
    other.recover();
    const auto says_drained = [](const RingError& error) {
      return std::string(error.what()).find("already drained") != std::string::npos;
    };
    BOOST_CHECK_EXCEPTION(drain_past_the_change(host, drain), RingError, says_drained);
  }
  auto log = host.writer();
  append(host, log, "one\n");
  drain_past_the_change(host, drain);
  BOOST_TEST(text_of(host.prefix) == "one\n");
}

BOOST_AUTO_TEST_CASE(an_error_in_a_guarded_body_is_passed_on) {
  const std::array<std::byte, 8> memory{};
  const auto failing = [] { throw Error("of the body"); };
  BOOST_CHECK_THROW(BOOST_TEST(ring::survives(memory, failing)), Error);
  BOOST_TEST(ring::survives(memory, [] {}));
}

BOOST_AUTO_TEST_CASE(a_fault_elsewhere_is_not_survived, *needs_to_leave_a_fault) {
  Host host;
  host.make_ring();
  const ring::Mapping guarded(host.ring);
  std::filesystem::copy(host.ring, host.folder / "other");
  const ring::Mapping other(host.folder / "other");
  BOOST_REQUIRE(::truncate((host.folder / "other").c_str(), 0) == 0);
  ring::catch_bus_errors();
  const auto touch = [&] { (void)other.view().header->retired.word.load(); };
  BOOST_TEST(!ring::survives(other.memory(), touch));
  const auto child = ::fork();
  if (child == 0) {
    (void)!ring::survives(guarded.memory(), touch);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS));
}

}  // namespace manhattan::log
