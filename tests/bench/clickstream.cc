// SPDX-License-Identifier: MIT
// Writes the text log of a made-up shop: clickstream PREFIX EVENTS [VISITORS [PAGES]].
//
// Every visitor has as many events as the others, shuffled over a month: the hardest order for a
// cache of histories. With PAGES one more visitor comes among them, who asks for so many pages,
// each of another path. The same arguments make the same bytes.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "record/text_codec.h"

namespace {

using namespace manhattan;

constexpr std::int64_t kStartS = 1'760'000'400;  // a whole hour in October 2025
constexpr std::int64_t kMonthS = 30 * 86400;
constexpr std::uint32_t kBotsEvery = 10;

const char* const kGoals[] = {"Added to Cart", "Began Checkout", "Order Placed", "Signed Up",
                              "Searched",      "Asked Support",  "Shared",       "Left a Review"};
const char* const kSplits[] = {"Blue Button", "Short Form", "Free Shipping"};
const char* const kAgents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 "
    "Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"};

std::string visitor_id(std::uint32_t visitor) {
  std::mt19937 random(visitor);
  char id[41];
  for (int i = 0; i < 5; ++i) std::snprintf(id + 8 * i, 9, "%08x", static_cast<unsigned>(random()));
  return id;
}

/// Who comes when: each visitor `events / visitors` times, and the last one `pages` times.
std::vector<std::uint32_t> order_of(std::uint64_t events, std::uint32_t visitors,
                                    std::uint64_t pages) {
  std::vector<std::uint32_t> order(events);
  for (std::uint64_t i = 0; i < events; ++i) order[i] = static_cast<std::uint32_t>(i % visitors);
  order.resize(events + pages, visitors);
  std::mt19937_64 random(1);
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

decltype(Record::event) event_of(std::uint32_t visitor, std::uint8_t step, std::mt19937_64& random,
                                 std::string& url) {
  url = "https://shop.example/fruit/" + std::to_string(random() % 500) +
        "?page=" + std::to_string(random() % 9);
  const Page page{"192.0.2.17",
                  "GET",
                  url,
                  kAgents[visitor % std::size(kAgents)],
                  "https://search.example/?q=pie",
                  {},
                  {},
                  {},
                  {}};
  if (step == 0) return page;
  if (step == 1 && visitor % kBotsEvery != 0) return Pixel{};
  const auto dice = random() % 100;
  if (dice < 60) return page;
  if (dice < 85) {
    const auto goal = random() % std::size(kGoals);
    Goal event{.name = kGoals[goal]};
    if (goal == 2) {
      event.value = Decimal::from_units(static_cast<std::int64_t>(random() % 20'000) * 10'000'000);
      event.type = ValueType::sum;
      event.format = ValueFormat::currency;
    }
    return event;
  }
  const auto split = random() % std::size(kSplits);
  return Split{kSplits[split], (visitor >> split) % 2 == 0 ? "control" : "treatment"};
}

/// The page of the visitor who asks for one after the other; its pixel comes with the second.
decltype(Record::event) event_of_heavy(std::uint64_t number, std::string& url) {
  if (number == 1) return Pixel{};
  url = "https://shop.example/page/" + std::to_string(number);
  return Page{"192.0.2.18", "GET", url, kAgents[0], {}, {}, {}, {}, {}};
}

void write_log(const std::string& prefix, std::uint64_t events, std::uint32_t visitors,
               std::uint64_t pages) {
  const auto order = order_of(events, visitors, pages);
  std::vector<std::string> ids(visitors + 1);
  for (std::uint32_t i = 0; i <= visitors; ++i) ids[i] = visitor_id(i);
  std::vector<std::uint8_t> steps(visitors + 1);
  std::uint64_t heavy = 0;
  std::mt19937_64 random(2);
  std::ofstream segment;
  std::int64_t hour = -1;
  std::string line, url;
  for (std::uint64_t i = 0; i < order.size(); ++i) {
    const auto share = static_cast<double>(i) / static_cast<double>(order.size());
    const auto at_ns = static_cast<std::int64_t>(share * static_cast<double>(kMonthS) * 1e9);
    const auto this_hour = at_ns / 3'600'000'000'000;
    if (this_hour != hour) {
      hour = this_hour;
      segment.close();
      segment.open(prefix + "." + std::to_string(kStartS + 3600 * hour));
    }
    const auto visitor = order[i];
    line.clear();
    record::encode(
        {UnixNanos(std::chrono::nanoseconds(kStartS * 1'000'000'000 + at_ns)), ids[visitor], 1,
         visitor == visitors ? event_of_heavy(heavy++, url)
                             : event_of(visitor, steps[visitor], random, url)},
        line);
    if (steps[visitor] < 2) ++steps[visitor];
    segment << line;
  }
  if (!segment.flush()) throw std::runtime_error("cannot write '" + prefix + "'");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: clickstream PREFIX EVENTS [VISITORS [PAGES]]\n";
    return 2;
  }
  const auto events = std::strtoull(argv[2], nullptr, 10);
  const auto visitors = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : std::max(1ull, events / 20);
  const auto pages = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 0;
  write_log(argv[1], events, static_cast<std::uint32_t>(visitors), pages);
}
