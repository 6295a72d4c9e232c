// SPDX-License-Identifier: MIT
// Nanoseconds a record into the ring, beside what no ring could be cheaper than and what the
// original does. Prints one line a case: medians of five rounds, CPU time of the writing thread.
#include <pthread.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "log/drain.h"
#include "log/ring_log.h"
#include "ring/reader.h"
#include "ring/ring_file.h"
#include "ring/writer.h"

namespace manhattan {
namespace {

constexpr int kRounds = 5;
constexpr std::uint64_t kRingBytes = 256 << 20;

double now_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu % static_cast<int>(std::thread::hardware_concurrency()), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// CPU nanoseconds a call of `body`, on this thread.
double cost(long calls, const std::function<void()>& body) {
  const auto before = now_ns(CLOCK_THREAD_CPUTIME_ID);
  for (long i = 0; i < calls; ++i) body();
  return (now_ns(CLOCK_THREAD_CPUTIME_ID) - before) / static_cast<double>(calls);
}

struct Place {
  Place() : folder("/dev/shm/manhattan-ring-bench." + std::to_string(::getpid())) {
    std::filesystem::create_directory(folder);
  }
  ~Place() { std::filesystem::remove_all(folder); }
  std::string fresh_ring() {
    files.remove(folder + "/ring");
    ring::ensure_ring(files, folder + "/ring", kRingBytes);
    return folder + "/ring";
  }
  std::string folder;
  base::SystemFiles files;
};

/// The floor: copy, one atomic, the time; into as much memory as the ring has.
double floor_cost(const std::string& line, long calls) {
  std::vector<char> memory(64 << 20, 1);
  std::atomic<std::uint64_t> tail{0};
  const base::SystemClock clock;
  const auto size = (line.size() + 63) / 64 * 64 + 64;
  return cost(calls, [&] {
    const auto at = tail.fetch_add(size, std::memory_order_acq_rel) % (memory.size() - 70000);
    const auto now = clock.now().time_since_epoch().count();
    __builtin_memcpy(memory.data() + at, &now, sizeof now);
    __builtin_memcpy(memory.data() + at + 8, line.data(), line.size());
  });
}

void drain_all(const std::string& path) {
  const ring::Mapping mapping(path);
  ring::Reader reader(mapping.view());
  ring::Batch batch(1 << 20);
  const base::SystemClock clock;
  do {
    batch.clear();
    reader.begin(clock.now());
    reader.take(clock.now(), batch);
    reader.publish();
  } while (!batch.bytes().empty());
}

/// One writer of several: fills the ring once, so that its pages are in this thread's mapping as
/// they are in a web worker's, waits for the drain, and is measured.
double writer_cost(Place& place, const std::string& path, const std::string& line, long calls,
                   std::barrier<>& together) {
  const base::SystemClock clock;
  RingLog log(path, "", place.files);
  while (log.append(clock.now(), line) == Append::written) {
  }
  together.arrive_and_wait();  // full
  together.arrive_and_wait();  // drained
  long failed = 0;
  const auto ns = cost(calls, [&] { failed += log.append(clock.now(), line) != Append::written; });
  if (failed > 0) std::fprintf(stderr, "%ld of %ld records did not fit\n", failed, calls);
  return ns;
}

/// `threads` writers at once, each with its own RingLog; the mean of their costs.
double ring_cost(Place& place, const std::string& line, long calls, int threads) {
  const auto path = place.fresh_ring();
  std::vector<double> costs(static_cast<std::size_t>(threads));
  std::barrier together(threads + 1);
  std::vector<std::thread> running;
  for (int me = 0; me < threads; ++me) {
    running.emplace_back([&, me] {
      pin(me);
      costs[static_cast<std::size_t>(me)] = writer_cost(place, path, line, calls, together);
    });
  }
  together.arrive_and_wait();
  drain_all(path);
  together.arrive_and_wait();
  double sum = 0;
  for (auto& thread : running) thread.join();
  for (const auto each : costs) sum += each;
  return sum / threads;
}

double flock_cost(Place& place, const std::string& line, long calls) {
  const auto fd = place.files.open_append(place.folder + "/flock", 0600);
  return cost(calls, [&] {
    ::flock(fd.get(), LOCK_EX);
    place.files.write_all(fd.get(), line, "flock");
    ::flock(fd.get(), LOCK_UN);
  });
}

/// Records a second from a full ring into the text log.
double drain_rate(Place& place, const std::string& line, long records) {
  const auto path = place.fresh_ring();
  const auto prefix = place.folder + "/drained";
  const base::SystemClock clock;
  RingLog log(path, "", place.files);
  for (long i = 0; i < records; ++i) {
    (void)!(log.append(clock.now(), line) == Append::written);
  }
  log::Drain drain(path, prefix, place.files, clock);
  drain.recover();
  std::size_t drained = 0;
  const auto before = now_ns(CLOCK_MONOTONIC);
  while (const auto moved = drain.pass()) drained += moved;
  const auto seconds = (now_ns(CLOCK_MONOTONIC) - before) / 1e9;
  for (const auto& segment : log::list_segments(place.files, prefix)) place.files.remove(segment);
  return static_cast<double>(drained) / seconds;
}

void print_latency(Place& place, const std::string& line) {
  const auto path = place.fresh_ring();
  const base::SystemClock clock;
  RingLog log(path, "", place.files);
  std::vector<double> each(200000);
  for (auto& ns : each) {
    const auto before = now_ns(CLOCK_MONOTONIC);
    (void)!(log.append(clock.now(), line) == Append::written);
    ns = now_ns(CLOCK_MONOTONIC) - before;
  }
  std::sort(each.begin(), each.end());
  std::printf(
      "latency of one append, %zu B, ns, two clock readings included: p50 %.0f  p99 %.0f  "
      "p99.9 %.0f  max %.0f\n",
      line.size(), each[100000], each[198000], each[199800], each.back());
}

void run() {
  Place place;
  pin(0);
  std::printf("%-8s %10s %10s %10s %12s %14s\n", "bytes", "floor", "ring", "ring x 2", "flock",
              "drain/s");
  for (const std::size_t bytes : {60, 200, 2000}) {
    const auto line = std::string(bytes - 1, 'x') + "\n";
    const long calls = bytes > 1000 ? 10000 : 100000;
    std::vector<double> floors, alone, two, flocks, drains;
    for (int i = 0; i < kRounds; ++i) {
      floors.push_back(floor_cost(line, calls));
      alone.push_back(ring_cost(place, line, calls, 1));
      two.push_back(ring_cost(place, line, calls, 2));
      flocks.push_back(flock_cost(place, line, calls / 10));
      drains.push_back(drain_rate(place, line, calls));
    }
    std::printf("%-8zu %10.1f %10.1f %10.1f %12.1f %14.0f\n", bytes, median(floors), median(alone),
                median(two), median(flocks), median(drains));
  }
  print_latency(place, std::string(199, 'x') + "\n");
}

}  // namespace
}  // namespace manhattan

int main() {
  manhattan::run();
  return 0;
}
