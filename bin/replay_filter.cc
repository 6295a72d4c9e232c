// SPDX-License-Identifier: MIT
#include "bin/replay_filter.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/decimal.h"
#include "base/error.h"

namespace manhattan::program {
namespace {

using namespace std::chrono;

constexpr const char* kKinds[] = {"page", "pixel", "goal", "split"};

/// `count` digits off the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  int number = 0;
  if (text.size() < count) return std::nullopt;
  const auto* end = text.data() + count;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || text.front() == '-') return std::nullopt;
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<UnixNanos> civil_time(std::string_view text) {
  const auto y = take_digits(text, 4);
  const auto m = y && take(text, '-') ? take_digits(text, 2) : std::nullopt;
  const auto d = m && take(text, '-') ? take_digits(text, 2) : std::nullopt;
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)),
                            day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  std::array<int, 3> clock{};  // hour, minute, second: as many as there are
  const int most[] = {23, 59, 59};
  for (std::size_t i = 0; i < clock.size() && take(text, i == 0 ? 'T' : ':'); ++i) {
    const auto number = take_digits(text, 2);
    if (!number || *number > most[i]) return std::nullopt;
    clock[i] = *number;
  }
  take(text, 'Z');
  if (!text.empty()) return std::nullopt;
  return sys_days(date) + hours(clock[0]) + minutes(clock[1]) + seconds(clock[2]);
}

void append_digits(std::int64_t number, int digits, std::string& out) {
  char text[4];
  for (int i = digits - 1; i >= 0; --i, number /= 10)
    text[i] = static_cast<char>('0' + number % 10);
  out.append(text, static_cast<std::size_t>(digits));
}

void append_part(char separator, std::int64_t number, std::string& out) {
  out.push_back(separator);
  append_digits(number, 2, out);
}

/// `2026-11-21T14:30:15`
void append_date(sys_seconds at, std::string& out) {
  const auto day_start = floor<days>(at);
  const year_month_day date(day_start);
  const hh_mm_ss clock(at - day_start);
  // Times of a log are of years with four digits.
  const int y = std::clamp(int(date.year()), 0, 9999);
  append_digits(y, 4, out);
  append_part('-', unsigned(date.month()), out);
  append_part('-', unsigned(date.day()), out);
  append_part('T', clock.hours().count(), out);
  append_part(':', clock.minutes().count(), out);
  append_part(':', clock.seconds().count(), out);
}

std::string join(const std::string& name, const auto& values) {
  std::string text;
  for (const auto& value : values) text += ", " + name + " " + value;
  return text;
}

}  // namespace

bool Filter::passes(const Record& record) const {
  return (!from || record.at >= *from) && (!to || record.at < *to) &&
         (sites.empty() || sites.contains(record.site)) &&
         (visitors.empty() || visitors.contains(record.visitor)) &&
         (kinds.empty() || kinds.contains(kind_of(record)));
}

bool Filter::is_open() const noexcept {
  return !from && !to && sites.empty() && visitors.empty() && kinds.empty();
}

std::string Filter::to_string() const {
  std::string text;
  for (const auto& [name, bound] : {std::pair{"from", from}, {"to", to}}) {
    if (!bound) continue;
    text += std::string(", ") + name + " ";
    append_time(*bound, text);
  }
  for (const auto site : sites) text += ", site " + std::to_string(site);
  text += join("visitor", visitors) + join("kind", kinds);
  return text.empty() ? text : text.substr(2);
}

std::string_view kind_of(const Record& record) noexcept { return kKinds[record.event.index()]; }

UnixNanos parse_time(const std::string& option, const std::string& text) {
  if (const auto at = civil_time(text)) return *at;
  const auto seconds = Decimal::parse(text);
  const auto most = Decimal::from_integer(9'000'000'000);
  if (seconds && *seconds <= most && *seconds >= -most)
    return UnixNanos(nanoseconds(static_cast<std::int64_t>(seconds->units())));
  throw ConfigError(option + " '" + text + "': seconds since 1970, or 2026-11-21T14:30:15 or less");
}

void append_time(UnixNanos at, std::string& out) {
  const auto second = floor<seconds>(at);
  append_date(second, out);
  out.push_back('.');
  append_digits((at - second).count() / 100'000, 4, out);
  out.push_back('Z');
}

}  // namespace manhattan::program
