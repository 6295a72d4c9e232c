// SPDX-License-Identifier: MIT
#include "report/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace manhattan::report {
namespace {

std::string formatted(const char* format, int places, double number) {
  char text[400];  // the largest double has 309 digits
  std::snprintf(text, sizeof text, format, places, number);
  return text;
}

/// Places after the point for three significant digits, at least `least`.
int places_of(double number, int least) {
  const double size = std::abs(number);
  if (size == 0 || size >= 1) return least;
  return std::min(9, std::max(least, 2 - static_cast<int>(std::floor(std::log10(size)))));
}

}  // namespace

std::string grouped(std::int64_t number) {
  auto text = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (auto at = text.size(); at > first + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string shown(double number, Unit unit) {
  if (!std::isfinite(number)) return kNone;
  if (unit == Unit::plain) return formatted("%.*f", places_of(number, 2), number);
  return formatted("%.*f", std::min(places_of(number * 100, 2), 4), number * 100) + "%";
}

std::string signed_percent(double ratio) {
  if (!std::isfinite(ratio)) return kNone;
  const double percent = ratio * 100;
  const auto text = formatted("%+.*f", std::abs(percent) < 1000 ? 1 : 0, percent);
  return (text == "-0.0" || text == "+0.0" ? "0.0" : text) + "%";
}

std::string shown(const stats::Interval& interval, Unit unit) {
  return shown(interval.low, unit) + " to " + shown(interval.high, unit);
}

std::string signed_percent(const stats::Interval& interval) {
  return signed_percent(interval.low) + " to " + signed_percent(interval.high);
}

std::string shortest(double number) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

std::string date_and_time(std::int64_t unix_s) {
  const std::time_t at = unix_s;
  std::tm parts{};
  if (::gmtime_r(&at, &parts) == nullptr) return std::to_string(unix_s);  // a year beyond int
  char text[64];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts)};
}

std::string shown_chance(double probability) {
  if (!std::isfinite(probability)) return kNone;
  const double percent = probability * 100;
  if (percent < 0.1) return "<0.1%";
  if (percent > 99.9) return ">99.9%";
  return formatted("%.*f", 1, percent) + "%";
}

std::string shown_p(double p) {
  if (!std::isfinite(p)) return kNone;
  if (p < 0.0001) return p == 0 ? "0" : formatted("%.*e", 0, p);
  return formatted("%.*f", p < 0.01 ? 4 : 3, p);
}

}  // namespace manhattan::report
