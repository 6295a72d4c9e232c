// SPDX-License-Identifier: MIT
// Writers and the drain as processes, killed wherever they happen to be. KILLS= sets how
// often, STORM_MS= how long at most.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE kill
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "log/drain.h"
#include "log/ring_log.h"
#include "ring/ring_file.h"
#include "tests/support/log_fixture.h"

namespace manhattan::log {
namespace {

using testing::Folder;

constexpr std::size_t kMostWriters = 20000;
// Starting a process takes a sanitizer a tenth of a second.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr unsigned long kKills = 20;
#else
constexpr unsigned long kKills = 200;
#endif

constexpr unsigned long kLongStormMs = 600'000;

/// What the processes tell each other, in memory that outlives them.
struct Told {
  struct Writer {
    std::atomic<std::uint32_t> begun;
    std::atomic<std::uint32_t> known;  ///< their append() has returned
    std::atomic<std::uint32_t> dropped;
  };
  std::atomic<std::uint64_t> passes;
  Writer writers[kMostWriters];
};

struct TellingMemory {
  TellingMemory()
      : told(static_cast<Told*>(::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~TellingMemory() { ::munmap(told, sizeof(Told)); }
  Told* told;
};

struct Storm {
  explicit Storm(unsigned long seed) : random(seed) { ring::ensure_ring(files, ring, 512 << 10); }
  ~Storm() {
    for (auto& pid : writing) end(pid);
    end(draining);
  }

  static void end(pid_t& pid) {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    pid = 0;
  }

  std::string line_of(std::size_t writer, std::uint32_t number) const {
    auto line = std::to_string(writer) + " " + std::to_string(number) + " ";
    return line.append((writer * 31 + number * 17) % (number % 50 == 0 ? 9000 : 300), '.') + "\n";
  }

  void write_on(std::size_t writer) {
    auto& mine = memory.told->writers[writer];
    RingLog log(ring, prefix, files);
    for (std::uint32_t i = 0;; ++i) {
      mine.begun = i + 1;
      if (log.append(clock.now(), line_of(writer, i)) == Append::dropped) ++mine.dropped;
      mine.known = i + 1;
      if (i % 64 == 63) ::sched_yield();
    }
  }

  void drain_on() {
    Drain drain(ring, prefix, files, clock);
    drain.recover();
    for (;; ++memory.told->passes) {
      if (drain.pass() == 0) drain.wait(std::chrono::milliseconds(20));
    }
  }

  template <typename Body>
  pid_t start(Body body) {
    const auto pid = ::fork();
    if (pid != 0) return pid;
    try {
      body();
    } catch (...) {
    }
    ::_exit(1);
  }

  /// Lets `word` grow for a while, and then as many moments longer as chance says.
  template <typename Word>
  void wait_for(const std::atomic<Word>& word, Word growth) {
    const Word enough = word + growth;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (word < enough && std::chrono::steady_clock::now() < limit) ::sched_yield();
    for (auto moments = random() % 20000; moments > 0; --moments) {
      std::atomic_signal_fence(std::memory_order_relaxed);
    }
  }

  void kill_a_writer() {
    const auto i = random() % 2;
    if (writing[i] > 0) {
      wait_for<std::uint32_t>(memory.told->writers[number[i]].known, random() % 500);
      end(writing[i]);
    }
    number[i] = writers++;
    writing[i] = start([&] { write_on(number[i]); });
  }

  void kill_the_drain() {
    if (draining > 0) wait_for<std::uint64_t>(memory.told->passes, random() % 4);
    end(draining);
    draining = start([&] { drain_on(); });
  }

  /// How often it killed.
  unsigned long rage(unsigned long most, std::chrono::milliseconds longest) {
    const auto limit = std::chrono::steady_clock::now() + longest;
    kill_the_drain();  // starts it
    unsigned long kills = 0;
    while (kills < most && writers < kMostWriters && std::chrono::steady_clock::now() < limit) {
      random() % 5 < 3 ? kill_a_writer() : kill_the_drain();
      ++kills;
    }
    for (auto& pid : writing) end(pid);
    end(draining);
    return kills;
  }

  Folder folder;
  base::SystemFiles files;
  base::SystemClock clock;
  std::string ring = folder / "ring";
  std::string prefix = folder / "log";
  TellingMemory memory;
  std::mt19937_64 random;
  std::size_t writers = 0;
  pid_t writing[2] = {0, 0};
  std::size_t number[2] = {0, 0};
  pid_t draining = 0;
};

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

/// Drains all that is left, which takes a moment where a killed writer left a frame.
DrainCounters drain_the_rest(Storm& storm) {
  Drain drain(storm.ring, storm.prefix, storm.files, storm.clock);
  drain.recover();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  for (int quiet = 0; quiet < 3 && std::chrono::steady_clock::now() < limit;) {
    quiet = drain.pass() == 0 ? quiet + 1 : 0;
    drain.wait(std::chrono::milliseconds(2));
  }
  return drain.counters();
}

/// The numbers of each writer's records, in the order in which the log has them.
std::map<std::size_t, std::vector<std::uint32_t>> delivered(const Storm& storm, bool& is_sound) {
  std::map<std::size_t, std::vector<std::uint32_t>> numbers;
  const auto text = testing::text_of(storm.prefix);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    char* rest = nullptr;
    const auto writer = std::strtoul(text.data() + at, &rest, 10);
    const auto number = static_cast<std::uint32_t>(std::strtoul(rest, nullptr, 10));
    is_sound = is_sound && end != 0 && text.substr(at, end - at) == storm.line_of(writer, number);
    numbers[writer].push_back(number);
    if (end == 0) break;
    at = end;
  }
  return numbers;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_a_killed_writer_knew_written_is_in_the_log_once_and_in_order) {
  const auto seed = from_environment("SEED", std::random_device{}());
  const auto kills = from_environment("KILLS", kKills);
  BOOST_TEST_MESSAGE("SEED=" << seed);
  Storm storm(seed);
  const auto killed =
      storm.rage(kills, std::chrono::milliseconds(from_environment("STORM_MS", kLongStormMs)));
  const auto counters = drain_the_rest(storm);

  bool is_sound = true;
  const auto numbers = delivered(storm, is_sound);
  BOOST_TEST(is_sound);
  std::uint64_t begun = 0, total = 0, unknown = 0, wrong = 0, dropped = 0;
  for (std::size_t writer = 0; writer < storm.writers; ++writer) {
    const auto& told = storm.memory.told->writers[writer];
    const auto found = numbers.find(writer);
    const auto count = found == numbers.end() ? 0 : found->second.size();
    begun += told.begun;
    unknown += told.begun - told.known;
    total += count;
    dropped += told.dropped;
    if (told.dropped > 0) continue;
    if (count < told.known || count > told.begun) ++wrong;
    for (std::uint32_t i = 0; i < count; ++i) wrong += found->second[i] != i;
  }
  BOOST_TEST(wrong == 0u, "seed " << seed << ": " << wrong << " missing, twice or out of order");
  BOOST_TEST(dropped == 0u);
  BOOST_TEST(counters.corrupt_records == 0u);
  // Every record is delivered, or its writer was killed in the middle of it.
  BOOST_TEST(total == counters.drained_records + counters.taken_in_records);
  BOOST_TEST(begun - total <= unknown);
  BOOST_TEST(counters.abandoned_records + counters.torn_spills <= begun - total);
  BOOST_TEST_MESSAGE(begun << " begun, " << counters.drained_records << " by the ring, "
                           << counters.taken_in_records << " by the spill, "
                           << counters.abandoned_records << " abandoned, " << counters.torn_spills
                           << " torn, " << killed << " kills");
}

}  // namespace manhattan::log
