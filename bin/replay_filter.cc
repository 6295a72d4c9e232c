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

/// The last `digits` decimal digits of a number.
void put_digits(std::int64_t number, int digits, char* to) noexcept {
  for (; digits > 0; number /= 10) to[--digits] = static_cast<char>('0' + number % 10);
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

void add_record_filter(std::vector<Option>& described) {
  // clang-format off
  described.insert(described.end(), {
      list("site", "ID", "only records of this site").composing().checked_by(check_site),
      list("visitor", "ID", "only records of this visitor").composing().free_text(),
      list("kind", "KIND", "only records of this kind: page, pixel, goal or split")
          .composing().one_of({"page", "pixel", "goal", "split"})});
  // clang-format on
}

Filter record_filter(const options::variables_map& values) {
  Filter filter;
  const auto texts = [&](const char* name) {
    return values.count(name) > 0 ? values[name].as<std::vector<std::string>>()
                                  : std::vector<std::string>();
  };
  for (const auto& text : texts("site"))
    filter.sites.insert(static_cast<SiteId>(whole_number(text).value()));
  for (const auto& text : texts("visitor")) filter.visitors.insert(text);
  for (const auto& text : texts("kind")) filter.kinds.insert(text);
  return filter;
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
  const auto day_start = floor<days>(at);
  const year_month_day date(day_start);
  const auto second = floor<seconds>(at - day_start).count();
  const auto tenths_ms = (at - floor<seconds>(at)).count() / 100'000;
  char text[] = "0000-00-00T00:00:00.0000Z";
  // Times of a log are of years with four digits.
  put_digits(std::clamp(int(date.year()), 0, 9999), 4, text);
  put_digits(unsigned(date.month()), 2, text + 5);
  put_digits(unsigned(date.day()), 2, text + 8);
  put_digits(second / 3600, 2, text + 11);
  put_digits(second / 60 % 60, 2, text + 14);
  put_digits(second % 60, 2, text + 17);
  put_digits(tenths_ms, 4, text + 20);
  out.append(text, sizeof text - 1);
}

}  // namespace manhattan::program
