// SPDX-License-Identifier: MIT
// Asks count, value and results of a running server: query ENDPOINT QUESTIONS. Prints a line each:
// name, p50 and p99 in microseconds.
#include <algorithm>
#include <chrono>
#include <cstdlib>
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  query::Client client(argv[1], std::chrono::seconds(30));
  const auto questions = static_cast<std::size_t>(std::atoi(argv[2]));
  const query::Request requests[] = {{.method = "count", .arguments = {"sale"}},
                                     {.method = "goal_value", .arguments = {"sale"}},
                                     {.method = "results", .arguments = {"button", {"sale"}}}};
  for (const auto& request : requests) {
    std::vector<double> times;
    for (std::size_t i = 0; i < questions; ++i) times.push_back(microseconds_of(client, request));
    std::sort(times.begin(), times.end());
    std::cout << request.method << ' ' << times[times.size() / 2] << ' '
              << times[times.size() * 99 / 100] << '\n';
  }
}
