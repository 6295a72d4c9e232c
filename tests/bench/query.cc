// SPDX-License-Identifier: MIT
// Asks count, value and results of a running server: query ENDPOINT QUESTIONS PATHS. Each count is
// of another of the paths. Prints a line each: name, p50 and p99 in microseconds.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <vector>

#include "query/client.h"

namespace {

using namespace manhattan;
using Steady = std::chrono::steady_clock;

double microseconds_of(query::Client& client, const query::Request& request) {
  const auto start = Steady::now();
  client.call(request);
  return std::chrono::duration<double, std::micro>(Steady::now() - start).count();
}

query::Request count_of(std::size_t path) {
  return {.method = "count",
          .arguments = {"viewed page"},
          .named = {{"rollup_key", "path"}, {"bucket_id", "/p" + std::to_string(path)}}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  query::Client client(argv[1], std::chrono::seconds(30));
  const auto questions = static_cast<std::size_t>(std::atoi(argv[2]));
  const auto paths = static_cast<std::size_t>(std::atoi(argv[3]));
  const std::pair<const char*, std::function<query::Request(std::size_t)>> kinds[] = {
      // Steps of a prime reach every path, none twice in a row.
      {"count", [&](std::size_t i) { return count_of(i * 7919 % paths); }},
      {"value",
       [](std::size_t) { return query::Request{.method = "goal_value", .arguments = {"sale"}}; }},
      {"results", [](std::size_t) {
         return query::Request{.method = "results", .arguments = {"button", {"sale"}}};
       }}};
  for (const auto& [name, request_of] : kinds) {
    std::vector<double> times;
    for (std::size_t i = 0; i < questions; ++i)
      times.push_back(microseconds_of(client, request_of(i)));
    std::sort(times.begin(), times.end());
    std::cout << name << ' ' << times[times.size() / 2] << ' ' << times[times.size() * 99 / 100]
              << '\n';
  }
}
