// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE drain
#include <sys/file.h>

#include <sys/stat.h>

#include <sys/stat.h>
#include <atomic>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "log/time_rotating_log.h"
#include "log/watch.h"
#include "tests/support/log_fixture.h"

namespace manhattan::log {
namespace {

using testing::Host;
using testing::text_of;

bool is_config_error_of(const std::string& name, const Error& error) {
  return dynamic_cast<const ConfigError*>(&error) != nullptr &&
         std::string(error.what()).find(name) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(records_go_through_the_ring_into_the_hourly_segment) {
  Host host;
  host.make_ring();
  auto log = host.writer();
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.declared()->to_string() == host.prefix + ".1800000000:0");
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::written));
  BOOST_TEST((log.append(host.clock.time, "two\n") == Append::written));
  BOOST_TEST(drain.pass() == 2u);
  BOOST_TEST(drain.pass() == 0u);
  BOOST_TEST(drain.declared()->to_string() == host.prefix + ".1800000000:8");
  host.clock.time += std::chrono::hours(2);
  BOOST_TEST((log.append(host.clock.time, "three\n") == Append::written));
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(drain.declared()->to_string() == host.prefix + ".1800007200:6");
  BOOST_TEST(text_of(host.prefix) == "one\ntwo\nthree\n");
  BOOST_TEST(drain.counters().drained_records == 3u);
}

BOOST_AUTO_TEST_CASE(what_comes_during_a_pass_waits_for_the_next) {
  Host host;
  host.make_ring();
  auto log = host.writer();
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST((log.append(host.clock.time, "one\n") == Append::written));
  host.files.before_write = [&] {
    BOOST_TEST((log.append(host.clock.time, "two\n") == Append::written));
  };
  BOOST_TEST(drain.pass() == 1u);
  host.files.before_write = nullptr;
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(text_of(host.prefix) == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(a_watch_for_closed_files_sleeps_through_writes) {
  const testing::Folder folder;
  Watch watch({folder / ""}, Watch::At::close);
  std::ofstream file(folder / "log");
  const auto created = watch.wait(std::chrono::hours(1));
  BOOST_TEST(created.names == std::vector<std::string>{"log"});
  file << "one\n" << std::flush;
  BOOST_TEST(watch.wait(std::chrono::milliseconds(0)).names.empty());
  file.close();
  BOOST_TEST(watch.wait(std::chrono::hours(1)).names == std::vector<std::string>{"log"});
}

BOOST_AUTO_TEST_CASE(counters_and_position_survive_a_restart) {
  Host host;
  host.make_ring();
  auto log = host.writer();
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST((log.append(host.clock.time, "x\n") == Append::written));
    auto drain = host.drain();
    drain.recover();
    BOOST_TEST(drain.pass() == 1u);
    BOOST_TEST(drain.counters().drained_records == static_cast<std::uint64_t>(i + 1));
  }
  BOOST_TEST(text_of(host.prefix) == "x\nx\nx\n");
}

BOOST_AUTO_TEST_CASE(a_full_disk_under_the_log_loses_nothing) {
  for (const int fitting : {0, 1, 5, 8, 9, 11}) {
    Host host;
    auto log = host.writer();
    BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
    host.make_ring();
    auto drain = host.drain();
    drain.recover();
    host.clock.time += std::chrono::seconds(1);
    BOOST_TEST((log.append(host.clock.time, "two\n") == Append::written));
    BOOST_TEST((log.append(host.clock.time, "three\n") == Append::written));
    host.files.bytes_left = fitting;
    BOOST_CHECK_THROW(drain.pass(), IoError);
    BOOST_CHECK_THROW(drain.pass(), IoError);
    BOOST_TEST(drain.declared()->offset == 0u);
    host.files.bytes_left = 1000;
    BOOST_TEST(drain.pass() == 3u);
    BOOST_TEST(text_of(host.prefix) == "one\ntwo\nthree\n");
    BOOST_TEST(!host.has_spill());
  }
}

BOOST_AUTO_TEST_CASE(a_drain_that_ends_at_any_byte_of_a_batch_repeats_and_loses_nothing) {
  for (int fitting = 0; fitting <= 15; ++fitting) {
    Host host;
    auto log = host.writer();
    BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
    host.make_ring();
    host.clock.time += std::chrono::seconds(1);
    BOOST_TEST((log.append(host.clock.time, "two\n") == Append::written));
    {
      auto drain = host.drain();
      drain.recover();
      host.files.bytes_left = fitting;
      host.files.fails_after_write = true;
      BOOST_CHECK_THROW(drain.pass(), IoError);
    }
    host.files.bytes_left = INT64_MAX;
    host.files.fails_after_write = false;
    BOOST_TEST((log.append(host.clock.time, "three\n") == Append::written));
    auto drain = host.drain();
    drain.recover();
    BOOST_TEST(drain.declared()->offset == (fitting < 8 ? 0u : 8u));
    BOOST_TEST(drain.pass() == (fitting < 8 ? 3u : 1u));
    BOOST_TEST(text_of(host.prefix) == "one\ntwo\nthree\n");
    BOOST_TEST(drain.counters().drained_records == 2u);
    BOOST_TEST(drain.counters().taken_in_records == 1u);
  }
}

BOOST_AUTO_TEST_CASE(without_a_ring_others_lines_are_never_cut) {
  for (int fitting = 0; fitting <= 4; ++fitting) {
    Host host;
    TimeRotatingLog direct(host.prefix, host.files, host.clock);
    auto log = host.writer();
    const std::string first = "1\tpixel\t1\tann\t1\n";
    BOOST_TEST((direct.append(host.clock.time, first) == Append::written));
    BOOST_TEST((log.append(host.clock.time, "one\n") == Append::spilled));
    {
      auto drain = host.drain("none");
      drain.recover();
      host.files.bytes_left = fitting;
      host.files.fails_after_write = true;
      BOOST_CHECK_THROW(drain.pass(), IoError);
    }
    host.files.bytes_left = INT64_MAX;
    host.files.fails_after_write = false;
    BOOST_TEST((direct.append(host.clock.time, "\n") == Append::written));
    BOOST_TEST((direct.append(host.clock.time, "other\n") == Append::written));
    auto drain = host.drain("none");
    drain.recover();
    // With its last byte missing, the newline of somebody else completes it.
    BOOST_TEST(drain.pass() == (fitting < 3 ? 1u : 0u));
    const auto torn = first + std::string("one\n").substr(0, fitting) + "\n";
    const std::string rest = fitting < 3 ? "other\none\n" : "other\n";
    BOOST_TEST(text_of(host.prefix) == torn + rest);
  }
}

BOOST_AUTO_TEST_CASE(a_torn_end_of_the_log_swallows_no_record) {
  Host host;
  host.make_ring();
  const std::string whole = "1\tpixel\t1\tann\t1\n";
  std::ofstream(host.prefix + ".1800000000") << whole << "torn by a power c";
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "next\n") == Append::written));
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.pass() == 1u);
  BOOST_TEST(text_of(host.prefix) == whole + "torn by a power c\nnext\n");
}

BOOST_AUTO_TEST_CASE(a_second_drain_is_refused) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  const auto names = [](const std::string& name) {
    return [name](const ConfigError& error) { return is_config_error_of(name, error); };
  };
  BOOST_CHECK_EXCEPTION(host.drain("none"), ConfigError, names(host.prefix));
  BOOST_CHECK_EXCEPTION(Drain(host.ring, host.folder / "other", host.files, host.clock),
                        ConfigError, names(host.ring));
}

BOOST_AUTO_TEST_CASE(a_foreign_ring_is_refused_and_spilled_around) {
  Host host;
  host.make_ring();
  std::fstream(host.ring, std::ios::in | std::ios::out).seekp(8) << '\2';
  const auto says_version = [](const ConfigError& error) {
    return is_config_error_of("another version", error);
  };
  BOOST_CHECK_EXCEPTION(host.make_ring(), ConfigError, says_version);
  BOOST_CHECK_EXCEPTION(host.drain(), ConfigError, says_version);
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "x\n") == Append::spilled));
}

BOOST_AUTO_TEST_CASE(what_is_no_ring_is_refused) {
  Host host;
  for (const std::string& text : {std::string(), std::string("no ring"), std::string(99999, 'x')}) {
    std::ofstream(host.ring) << text;
    BOOST_CHECK_THROW(host.make_ring(), ConfigError);
    auto log = host.writer();
    BOOST_TEST((log.append(host.clock.time, "x\n") == Append::spilled));
  }
  BOOST_CHECK_THROW(host.drain(host.folder / "none here"), ConfigError);
  BOOST_CHECK_THROW(ring::ensure_ring(host.files, host.ring, 1000), ConfigError);
}

BOOST_AUTO_TEST_CASE(a_ring_is_made_whole_or_not_at_all) {
  Host host;
  host.files.bytes_left = 100000;
  BOOST_CHECK_THROW(host.make_ring(), IoError);
  BOOST_TEST(host.folder.names().empty());
  std::ofstream(host.ring + ".new") << "left by a kill";
  host.files.bytes_left = INT64_MAX;
  host.make_ring();
  struct stat status {};
  BOOST_REQUIRE(::stat(host.ring.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777) == 0660u);
  BOOST_TEST(static_cast<std::uint64_t>(status.st_blocks) * 512 >=
             static_cast<std::uint64_t>(status.st_size));
  BOOST_TEST(host.folder.names().size() == 1u);
  host.make_ring();  // keeps it
  struct stat again {};
  BOOST_REQUIRE(::stat(host.ring.c_str(), &again) == 0);
  BOOST_TEST(again.st_ino == status.st_ino);
}

BOOST_AUTO_TEST_CASE(of_two_that_make_a_ring_at_once_the_second_is_refused) {
  Host host;
  {
    const auto draft = host.files.open_append(host.ring + ".new", 0600);
    BOOST_REQUIRE(::flock(draft.get(), LOCK_EX | LOCK_NB) == 0);
    BOOST_CHECK_EXCEPTION(host.make_ring(), ConfigError, [&](const ConfigError& error) {
      return is_config_error_of("another process is creating it", error);
    });
    BOOST_TEST(!host.has("ring"));
  }
  host.make_ring();  // what a maker that was killed has left is used
  BOOST_TEST(host.has("ring"));
}

BOOST_AUTO_TEST_CASE(writers_move_to_the_ring_that_takes_the_place) {
  Host host;
  host.make_ring();
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, "old\n") == Append::written));
  std::filesystem::remove(host.ring);
  host.clock.time += std::chrono::seconds(1);
  BOOST_TEST((log.append(host.clock.time, "between\n") == Append::spilled));
  host.make_ring();
  host.clock.time += std::chrono::seconds(1);
  BOOST_TEST((log.append(host.clock.time, "new\n") == Append::written));
  auto drain = host.drain();
  drain.recover();
  BOOST_TEST(drain.pass() == 2u);
  BOOST_TEST(text_of(host.prefix) == "between\nnew\n");
}

BOOST_AUTO_TEST_CASE(wake_ends_a_wait_that_began_or_will_begin) {
  Host host;
  host.make_ring();
  for (const std::string& path : {host.ring, std::string("none")}) {
    auto drain = host.drain(path);
    drain.recover();
    BOOST_TEST(drain.pass() == 0u);
    drain.wake();
    drain.wait(std::chrono::hours(1));
    std::thread waker([&] { drain.wake(); });
    drain.wait(std::chrono::hours(1));
    waker.join();
  }
}

BOOST_AUTO_TEST_CASE(a_record_ends_a_wait) {
  Host host;
  host.make_ring();
  auto drain = host.drain();
  drain.recover();
  std::size_t drained = 0;
  std::thread writing([&] {
    auto log = host.writer();
    (void)!(log.append(host.clock.time, "x\n") == Append::written);
  });
  while (drained == 0) {
    drained = drain.pass();
    if (drained == 0) drain.wait(std::chrono::hours(1));
  }
  writing.join();
  BOOST_TEST(drained == 1u);
}

BOOST_AUTO_TEST_CASE(threads_drain_and_worker_agree) {
  Host host;
  const base::SystemClock clock;
  base::SystemFiles files;
  host.make_ring();
  Drain drain(host.ring, host.prefix, files, clock);
  drain.recover();
  constexpr int kWriters = 3, kEach = 3000;
  std::atomic<int> running{kWriters};
  std::vector<std::thread> threads;
  for (int me = 0; me < kWriters; ++me) {
    threads.emplace_back([&, me] {
      RingLog log(host.ring, host.prefix, files);
      for (int i = 0; i < kEach; ++i) {
        const auto line = std::to_string(me) + " " + std::to_string(i) + std::string(200, '.');
        while (log.append(clock.now(), line + "\n") == Append::dropped) {
        }
      }
      --running;
    });
  }
  std::atomic<bool> is_done{false};
  bool is_declared_whole = true;
  std::thread worker([&] {
    while (!is_done) {
      const auto until = drain.declared();
      if (until->offset == 0) continue;
      const auto text = base::read_file(until->file);
      is_declared_whole =
          is_declared_whole && text.size() >= until->offset && text[until->offset - 1] == '\n';
    }
  });
  while (running > 0) {
    if (drain.pass() == 0) drain.wait(std::chrono::milliseconds(50));
  }
  while (drain.pass() > 0) {
  }
  is_done = true;
  worker.join();
  for (auto& thread : threads) thread.join();
  const auto text = text_of(host.prefix);
  std::vector<int> next(kWriters, 0);
  bool is_in_order = true;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    is_in_order = is_in_order && std::stoi(text.substr(at + 2, 8)) == next[text[at] - '0']++;
  }
  BOOST_TEST(is_in_order);
  BOOST_TEST(is_declared_whole);
  BOOST_TEST(next == (std::vector<int>{kEach, kEach, kEach}));
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_far_ahead_does_not_keep_the_log_in_a_later_hour) {
  using namespace std::chrono_literals;
  Host host;
  host.make_ring();
  auto log = host.writer();
  auto drain = host.drain();
  drain.recover();
  const auto record = [&](UnixNanos at) {
    host.clock.time = at;
    BOOST_TEST((log.append(at, "1\tpixel\t1\tann\t1\n") == Append::written));
    BOOST_TEST(drain.pass() == 1u);
    return drain.declared().value().file;
  };
  const auto now = host.clock.time;
  const auto present = record(now);
  BOOST_TEST(record(now + 365 * 24h) != present);
  BOOST_TEST(record(now + 1s) == present);
  BOOST_TEST(record(now + 2h) == segment_path(host.prefix, now + 2h));
  BOOST_TEST(record(now + 119min) == segment_path(host.prefix, now + 2h));  // a small step back
}

BOOST_AUTO_TEST_CASE(what_is_no_file_takes_no_record) {
  for (const auto* name : {"log.1800000000", "log.spill"}) {
    Host host;
    BOOST_REQUIRE(::mkfifo((host.folder / name).c_str(), 0600) == 0);
    TimeRotatingLog direct(host.prefix, host.files, host.clock);
    auto spilling = host.writer();  // there is no ring
    auto& log = std::string(name) == "log.spill" ? static_cast<Log&>(spilling) : direct;
    BOOST_TEST((log.append(host.clock.time, "1\tpixel\t1\tann\t1\n") == Append::dropped));
    auto drain = host.drain("none");
    drain.recover();
    BOOST_TEST(drain.pass() == 0u);
  }
}

}  // namespace manhattan::log
