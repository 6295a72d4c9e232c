// SPDX-License-Identifier: MIT
// What it takes to find the pixel's place in a page, in microseconds: the best of many runs, as
// other work on the machine only makes them longer. `in pieces` is the same page in pieces of 1,000
// bytes.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "http/pixel_injector.h"

namespace {

using namespace manhattan::http;

std::string repeat(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

std::string page_of(const std::string& body) {
  return "<!DOCTYPE html><html><head><title>Pies</title></head><body>" + body + "</body></html>\n";
}

const std::pair<const char*, std::string> kPages[] = {
    {"1 KB of text", page_of(std::string(900, 'x'))},
    {"400 rows of a table", page_of(repeat(400, "<tr>a row of a table, with text</tr>"))},
    {"800 tags, close together", page_of(repeat(400, "<td>42</td>"))},
    {"260 tags with attributes",
     page_of(repeat(130,
                    "<div class=\"item\"><a href=\"/x?a=1&b=2\" title=\"it's a pie\">A pie"
                    "</a> <img src=\"/pies/1.png\" alt=\"\" width=\"20\"></div>\n"))},
    {"a long script",
     page_of("<script>" + repeat(250, "if (a < b && b > a) { return \"<b>\"; }\n") + "</script>")},
    {"100 comments", page_of(repeat(100, "<!-- a comment in a page --><p>text</p>"))},
    {"JSON, which is no page", "{\"a\":\"" + std::string(16'000, 'x') + "\"}"},
};

struct Counted final : Sink {
  void write(std::string_view bytes) override { written += bytes.size(); }
  std::size_t written = 0;
};

double best_us(const std::string& page, std::size_t piece) {
  constexpr int kRuns = 200, kPagesARun = 50;
  const auto tag = pixel_tag("/vpixel.gif");
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    Counted out;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kPagesARun; ++i) {
      PixelInjector injector({tag, {}});
      for (std::size_t at = 0; at < page.size(); at += piece) {
        injector.feed(std::string_view(page).substr(at, piece), out);
      }
      injector.finish(out);
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    if (out.written < page.size() * kPagesARun) std::abort();
    best = std::min(best, took.count() / kPagesARun);
  }
  return best;
}

}  // namespace

int main() {
  std::printf("%-26s %7s %6s %8s %10s\n", "page", "bytes", "tags", "us", "in pieces");
  for (const auto& [says, page] : kPages) {
    std::printf("%-26s %7zu %6td %8.2f %10.2f\n", says, page.size(),
                std::count(page.begin(), page.end(), '<'), best_us(page, page.size()),
                best_us(page, 1000));
  }
}
