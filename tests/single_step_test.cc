// SPDX-License-Identifier: MIT
// A writer killed after each of its instructions, and a drain after some of them, chosen by SEED.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE single_step
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <random>
#include <string>

#include "ring/writer.h"
#include "tests/support/log_fixture.h"
#include "tests/support/ring_memory.h"

namespace manhattan {
namespace {

// A sanitizer's own instructions are a thousand times those of the code.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kCanStep = false;
#else
constexpr bool kCanStep = true;
#endif

using testing::Host;
using testing::kNow;
using testing::later;

/// From here on is_killed_after() counts.
void count_from_here() { ::raise(SIGSTOP); }

/// Runs `body` in a process of its own, from count_from_here() on one instruction at a time, and
/// kills it after `steps`; false where it was done before that.
template <typename Body>
bool is_killed_after(long steps, Body body) {
  const auto pid = ::fork();
  if (pid == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    body();
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  bool is_running = true;
  for (long i = 0; i < steps && is_running; ++i) {
    ::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr);
    ::waitpid(pid, &status, 0);
    is_running = WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, &status, 0);
  return is_running;
}

/// Memory for a ring that a forked child shares.
struct SharedRing {
  SharedRing()
      : shape{1, 6, 7, ring::current_pid_namespace()},
        bytes(static_cast<std::byte*>(::mmap(nullptr, shape.file_bytes(), PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    ring::format({bytes, shape.file_bytes()}, shape);
  }
  ~SharedRing() { ::munmap(bytes, shape.file_bytes()); }
  ring::View view() const { return *ring::view({bytes, shape.file_bytes()}); }

  ring::Shape shape;
  std::byte* bytes;
};

long from_environment(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtol(text, nullptr, 10);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_writer_killed_at_any_instruction_leaves_at_most_its_own_frame) {
  if (!kCanStep) return;
  bool is_running = true;
  long delivered = 0, abandoned = 0, nothing = 0;
  for (long steps = 1; is_running; ++steps) {
    const SharedRing memory;
    const auto ring = memory.view();
    ring::Writer writer(ring);
    ring::Reader reader(ring);
    BOOST_REQUIRE((writer.append(0, kNow, "before ") == ring::Write::written));
    is_running = is_killed_after(steps, [&] {
      count_from_here();
      (void)!(ring::Writer(ring).append(0, kNow, std::string(60, 'x')) == ring::Write::written);
    });
    BOOST_REQUIRE((writer.append(0, kNow, "after") == ring::Write::written));
    auto text = testing::drain(reader, kNow);
    text += testing::drain(reader, later(5'000'000));
    const bool is_delivered = text == "before " + std::string(60, 'x') + "after";
    BOOST_REQUIRE(reader.tally().corrupt == 0u);
    BOOST_REQUIRE(reader.tally().abandoned <= 1u);
    BOOST_REQUIRE((is_delivered || (is_running && text == "before after")));
    delivered += is_delivered;
    abandoned += static_cast<long>(reader.tally().abandoned);
    nothing += !is_delivered && reader.tally().abandoned == 0;
    BOOST_REQUIRE(!(is_delivered && reader.tally().abandoned > 0));
  }
  BOOST_TEST(delivered > 1);
  BOOST_TEST(abandoned > 1);
  BOOST_TEST(nothing > 1);
  BOOST_TEST_MESSAGE(delivered << " delivered, " << abandoned << " abandoned, " << nothing
                               << " not begun");
}

// What goes wrong in between is in the few instructions around the writes to log and journal; the
// points are spread over all of them.
BOOST_AUTO_TEST_CASE(a_drain_killed_at_any_instruction_repeats_and_loses_nothing) {
  if (!kCanStep) return;
  const auto seed = static_cast<unsigned long>(from_environment("SEED", std::random_device{}()));
  std::mt19937_64 random(seed);
  BOOST_TEST_MESSAGE("SEED=" << seed);
  const auto killed_after = [&](long steps) {
    Host host;
    auto log = host.writer();
    BOOST_REQUIRE((log.append(host.clock.time, "one\n") == Append::spilled));
    host.make_ring();
    host.clock.time += std::chrono::seconds(1);
    for (const std::string line : {"two\n", "three\n"}) {
      BOOST_REQUIRE((log.append(host.clock.time, line) == Append::written));
    }
    const bool is_running = is_killed_after(steps, [&] {
      auto drain = host.drain();
      drain.recover();
      count_from_here();
      drain.pass();
    });
    BOOST_REQUIRE((log.append(host.clock.time, "four\n") == Append::written));
    auto drain = host.drain();
    drain.recover();
    while (drain.pass() > 0) {
    }
    const auto counters = drain.counters();
    BOOST_REQUIRE_MESSAGE(testing::text_of(host.prefix) == "one\ntwo\nthree\nfour\n",
                          "seed " << seed << ", killed after " << steps);
    BOOST_REQUIRE(counters.drained_records == 3u && counters.taken_in_records == 1u);
    BOOST_REQUIRE(!host.has_spill());
    return is_running;
  };
  long low = 1000, high = 2000;  // how many steps there are
  while (killed_after(high)) low = high, high *= 2;
  while (high - low > 200) (killed_after((low + high) / 2) ? low : high) = (low + high) / 2;
  const auto points = from_environment("POINTS", 25);
  for (long i = 0; i < points; ++i) {
    killed_after(1 + static_cast<long>(random() % static_cast<unsigned long>(high)));
  }
  BOOST_TEST_MESSAGE(points << " points of about " << high);
}

}  // namespace manhattan
