// SPDX-License-Identifier: MIT
// What a record costs its writer and the drain, beside what no ring could be cheaper than, what the
// original does, and what else there is: make bench-ring. Medians of five rounds, all in one run;
// costs are CPU time of the writing thread, the record's timestamp included.
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "log/drain.h"
#include "log/ring_log.h"
#include "ring/reader.h"
#include "ring/ring_file.h"
#include "tests/bench/ring_peers.h"
#include "visitor/visitor.h"

namespace manhattan::bench {
namespace {

constexpr int kRounds = 5;
constexpr std::uint64_t kRingBytes = 256 << 20;
constexpr std::size_t kLatencies = 200000;

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

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
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

/// Fills the ring, so that its pages are in this thread's mapping as they are in a web worker's.
void touch_all(RingLog& log, const std::string& line) {
  const base::SystemClock clock;
  while (log.append(clock.now(), line) == Append::written) {
  }
}

/// What `measure` finds with a RingLog of its own in each thread, on a ring that was full once.
double on_ring(Place& place, const std::string& line, int threads,
               const std::function<double(RingLog&)>& measure) {
  const auto path = place.fresh_ring();
  std::barrier full(threads, [&]() noexcept { drain_all(path); });
  return mean_cost(threads, [&](int) {
    RingLog log(path, "", place.files);
    touch_all(log, line);
    full.arrive_and_wait();
    return measure(log);
  });
}

double ring_cost(Place& place, const std::string& line, long calls, int threads) {
  return on_ring(place, line, threads, [&](RingLog& log) {
    const base::SystemClock clock;
    long failed = 0;
    const auto ns =
        cost(calls, [&] { failed += log.append(clock.now(), line) != Append::written; });
    if (failed > 0) std::fprintf(stderr, "%ld of %ld records did not fit\n", failed, calls);
    return ns;
  });
}

/// A goal whose line has 200 bytes.
struct Shopper {
  explicit Shopper(Log& log) : visitor(std::string(40, 'a'), log, 1) {}
  void goal() { (void)!(visitor.goal(name) == Append::written); }
  std::string name = std::string(127, 'g');
  Visitor visitor;
};

/// With a visitor for each, as a request has one, and with one for all.
double goal_cost(Place& place, const std::string& line, long calls, int threads,
                 bool each_its_own) {
  return on_ring(place, line, threads, [&](RingLog& log) {
    Shopper shopper(log);
    if (!each_its_own) return cost(calls, [&] { shopper.goal(); });
    return cost(calls, [&] {
      Visitor visitor(std::string(40, 'a'), log, 1);
      (void)!(visitor.goal(shopper.name) == Append::written);
    });
  });
}

/// Records a second from a full ring into the text log.
double drain_rate(Place& place, const std::string& line, long records) {
  const auto path = place.fresh_ring();
  const auto prefix = place.folder + "/drained";
  const base::SystemClock clock;
  RingLog log(path, "", place.files);
  for (long i = 0; i < records; ++i) (void)!(log.append(clock.now(), line) == Append::written);
  log::Drain drain(path, prefix, place.files, clock);
  drain.recover();
  std::size_t drained = 0;
  const auto before = now_ns(CLOCK_MONOTONIC);
  while (const auto moved = drain.pass()) drained += moved;
  const auto seconds = (now_ns(CLOCK_MONOTONIC) - before) / 1e9;
  for (const auto& segment : log::Segments(prefix).list(place.files)) place.files.remove(segment);
  return static_cast<double>(drained) / seconds;
}

void print_latency(Place& place, const std::string& line) {
  std::vector<double> clocks(kLatencies), goals(kLatencies);
  on_ring(place, line, 1, [&](RingLog& log) {
    Shopper shopper(log);
    for (std::size_t i = 0; i < kLatencies; ++i) {
      const auto before = now_ns(CLOCK_MONOTONIC);
      const auto between = now_ns(CLOCK_MONOTONIC);
      shopper.goal();
      goals[i] = now_ns(CLOCK_MONOTONIC) - between;
      clocks[i] = between - before;
    }
    return 0.0;
  });
  std::sort(clocks.begin(), clocks.end());
  std::sort(goals.begin(), goals.end());
  const auto at = [](const std::vector<double>& sorted, double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
  };
  std::printf("\nlatency, ns          p50      p99    p99.9      max\n");
  for (const auto* each : {&goals, &clocks}) {
    std::printf("%-15s %8.0f %8.0f %8.0f %8.0f\n", each == &goals ? "Visitor::goal" : "clock alone",
                at(*each, 0.5), at(*each, 0.99), at(*each, 0.999), each->back());
  }
  std::printf("(a clock reading is in both)\n");
}

using Measure = std::function<double(const std::string& line, long calls, int threads)>;

void print_costs(const std::vector<std::pair<std::string, Measure>>& rows) {
  std::printf("ns a record     %10s %10s %10s %10s %10s %10s %12s\n", "60 B", "x 2", "200 B", "x 2",
              "2000 B", "x 2", "200 B/floor");
  double floor = 0;
  for (const auto& [name, measure] : rows) {
    std::printf("%-15s", name.c_str());
    double at_200 = 0;
    for (const std::size_t bytes : {60, 200, 2000}) {
      const auto line = std::string(bytes - 1, 'x') + "\n";
      for (const int threads : {1, 2}) {
        std::vector<double> rounds;
        for (int i = 0; i < kRounds; ++i) {
          rounds.push_back(measure(line, bytes > 1000 ? 10000 : 20000, threads));
        }
        if (bytes == 200 && threads == 1) at_200 = median(rounds);
        const auto middle = median(rounds);
        std::printf(middle == 0 ? "          -" : " %10.1f", middle);
        std::fflush(stdout);
      }
    }
    if (floor == 0) floor = at_200;
    std::printf(" %12.2f\n", at_200 / floor);
  }
}

/// What a process that writes one record pays beside its start: by the ring, of which opening is a
/// part that a descriptor handed down to it would save, and by the spill.
void print_one_record(Place& place, const std::string& line) {
  const auto path = place.fresh_ring();
  const base::SystemClock clock;
  const auto one_by = [&](const std::string& ring) {
    return [&, ring] {
      RingLog log(ring, place.folder + "/one", place.files);
      (void)!(log.append(clock.now(), line) == Append::dropped);
    };
  };
  const std::pair<const char*, std::function<void()>> ways[] = {
      {"open, map, write, unmap", one_by(path)},
      {"of which open and close", [&] { place.files.open_append(path, 0600); }},
      {"spill", one_by(place.folder + "/none")}};
  std::printf("\na process's only record, ns:");
  for (const auto& [name, way] : ways) {
    std::vector<double> rounds;
    for (int i = 0; i < kRounds; ++i) rounds.push_back(cost(1000, way));
    std::printf("  %s %.0f", name, median(rounds));
  }
  std::printf("\n");
}

void print_drain(Place& place) {
  std::printf("\ndrain to the text log, records/s:");
  for (const std::size_t bytes : {60, 200, 2000}) {
    std::vector<double> rounds;
    const auto line = std::string(bytes - 1, 'x') + "\n";
    for (int i = 0; i < kRounds; ++i) {
      rounds.push_back(drain_rate(place, line, bytes > 1000 ? 20000 : 200000));
    }
    std::printf("  %zu B %.0f", bytes, median(rounds));
  }
  std::printf("\n");
}

void run() {
  Place place;
  pin(0);
  const auto peer = [&](auto cost) -> Measure {
    return [&place, cost](const std::string& line, long calls, int threads) {
      return cost(place.folder, line, calls, threads);
    };
  };
  const auto goal = [&](bool each_its_own) -> Measure {
    return [&place, each_its_own](const std::string& line, long calls, int threads) {
      return line.size() == 200 ? goal_cost(place, line, calls, threads, each_its_own) : 0;
    };
  };
  print_costs({{"floor", peer(floor_cost)},
               {"ring", [&](const std::string& line, long calls,
                            int threads) { return ring_cost(place, line, calls, threads); }},
               {"Visitor::goal", goal(false)},
               {"Visitor + goal", goal(true)},
               {"flock + write", peer(flock_cost)},
               {"message_queue", peer(queue_cost)},
               {"UNIX datagram", peer(datagram_cost)}});
  print_latency(place, std::string(199, 'x') + "\n");
  print_one_record(place, std::string(199, 'x') + "\n");
  print_drain(place);
}

}  // namespace
}  // namespace manhattan::bench

int main() {
  manhattan::bench::run();
  return 0;
}
