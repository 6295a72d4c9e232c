// SPDX-License-Identifier: MIT
// Asks count, value and results of a running server: query ENDPOINT QUESTIONS PATHS [real-time].
// Each count is of another of the paths. Beside them, the floor: the bytes of a count, echoed by
// another process. On a busy machine client and echoes should run in real time: they stand for
// other machines, and how long they wait for a processor here is not asked. Prints whether they
// could, then a line each: name, p50, p99 and p99.9 in microseconds.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <vector>

#include "query/client.h"
#include "tests/bench/query_floor.h"

namespace {

using namespace manhattan;
using Steady = std::chrono::steady_clock;

struct Kind {
  const char* name;
  std::function<void(std::size_t)> ask;
  std::vector<double> microseconds = {};
};

// All kinds meet the same minute of the machine: they take turns, a stretch of questions each.
constexpr std::size_t kStretch = 100;

void take_turns(std::vector<Kind>& kinds, std::size_t questions) {
  for (std::size_t first = 0; first < questions; first += kStretch) {
    for (auto& kind : kinds) {
      for (std::size_t i = first; i < std::min(first + kStretch, questions); ++i) {
        const auto start = Steady::now();
        kind.ask(i);
        const std::chrono::duration<double, std::micro> took = Steady::now() - start;
        kind.microseconds.push_back(took.count());
      }
    }
  }
}

query::Request count_of(std::size_t path) {
  return {.method = "count",
          .arguments = {"viewed page"},
          .named = {{"rollup_key", "path"}, {"bucket_id", "/p" + std::to_string(path)}}};
}

void print(Kind& kind) {
  auto& times = kind.microseconds;
  std::sort(times.begin(), times.end());
  const auto at = [&](std::size_t per_mille) { return times[times.size() * per_mille / 1000]; };
  std::cout << kind.name << ' ' << at(500) << ' ' << at(990) << ' ' << at(999) << '\n';
}

/// Whether this thread is before all usual ones from now on, and what it starts.
bool be_real_time() {
  const sched_param lowest{.sched_priority = 1};
  return ::sched_setscheduler(0, SCHED_RR, &lowest) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto questions = static_cast<std::size_t>(std::atoi(argv[2]));
  const auto paths = static_cast<std::size_t>(std::atoi(argv[3]));
  const bool is_real_time = argc > 4 && be_real_time();
  bench::SocketEcho socket;
  bench::ZmqEcho zmq(argv[1]);
  query::Client client(argv[1], std::chrono::seconds(30));
  const auto bytes = query::encode(count_of(0));
  const query::Request value{.method = "goal_value", .arguments = {"sale"}};
  const query::Request results{.method = "results", .arguments = {"button", {"sale"}}};
  std::vector<Kind> kinds = {
      {"socket", [&](std::size_t) { socket.ask(bytes); }},
      {"echo", [&](std::size_t) { zmq.ask(bytes); }},
      // Steps of a prime reach every path, none twice in a row.
      {"count", [&](std::size_t i) { client.call(count_of(i * 7919 % paths)); }},
      {"value", [&](std::size_t) { client.call(value); }},
      {"results", [&](std::size_t) { client.call(results); }}};
  take_turns(kinds, questions);
  std::cout << "real_time " << is_real_time << '\n';
  for (auto& kind : kinds) print(kind);
}
