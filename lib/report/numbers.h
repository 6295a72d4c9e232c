// SPDX-License-Identifier: MIT
// Numbers as a reader likes them: few digits, a sign where it matters, `n/a` where there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stats/interval.h"

namespace manhattan::report {

inline constexpr const char* kNone = "n/a";

/// How a quantity is written: a rate in percent, a mean with two or more digits.
enum class Unit { percent, plain };

/// `31,231`.
std::string grouped(std::int64_t number);
/// Three significant digits or two places, whichever shows more.
std::string shown(double number, Unit unit);
/// `+12.0%`; `-0` is 0.
std::string signed_percent(double ratio);
/// `4.6% to 5.4%`.
std::string shown(const stats::Interval& interval, Unit unit);
std::string signed_percent(const stats::Interval& interval);
/// As few digits as say it all: `0.05`.
std::string shortest(double number);
/// `2026-11-21 14:03:09Z` of seconds since 1970; the number where no calendar reaches.
std::string date_and_time(std::int64_t unix_s);
/// A probability: `93.2%`, `<0.1%`, `>99.9%`.
std::string shown_chance(double probability);
/// `0.058`, `0.0003`, `1e-47`.
std::string shown_p(double p);

template <class Value, class Show>
std::string or_none(const std::optional<Value>& value, Show show) {
  return value ? show(*value) : kNone;
}

}  // namespace manhattan::report
