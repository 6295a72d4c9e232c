// SPDX-License-Identifier: MIT
#include "count/rollup.h"

#include <charconv>

#include "base/error.h"
#include "base/near_name.h"

namespace manhattan::count {
namespace {

using Kind = Rollup::Kind;
using Basis = Rollup::Basis;

/// What may stand behind the colon of a SPEC.
enum class Argument { none, zone, bits, regex, name };

struct KindName {
  std::string_view name;
  Kind kind;
  Basis basis;
  Argument argument;
};
constexpr KindName kKinds[] = {
    {"all", Kind::all, Basis::nothing, Argument::none},
    {"hour", Kind::hour, Basis::time, Argument::zone},
    {"day", Kind::day, Basis::time, Argument::zone},
    {"week", Kind::week, Basis::time, Argument::zone},
    {"month", Kind::month, Basis::time, Argument::zone},
    {"year", Kind::year, Basis::time, Argument::zone},
    {"browser", Kind::browser, Basis::first_page, Argument::none},
    {"browser_version", Kind::browser_version, Basis::first_page, Argument::none},
    {"os", Kind::os, Basis::first_page, Argument::none},
    {"device", Kind::device, Basis::first_page, Argument::none},
    {"ip", Kind::ip, Basis::first_page, Argument::bits},
    {"referrer", Kind::referrer, Basis::first_page, Argument::none},
    {"path", Kind::path, Basis::last_page, Argument::regex},
    {"query", Kind::query, Basis::last_page, Argument::name},
    {"header", Kind::header, Basis::last_page, Argument::name},
    {"variant", Kind::variant, Basis::variants, Argument::name},
};

[[noreturn]] void refuse(const std::string& rollup, const std::string& why) {
  throw ConfigError("rollup '" + rollup + "': " + why);
}

const KindName& kind_named(std::string_view name, const std::string& rollup) {
  for (const auto& each : kKinds) {
    if (each.name == name) return each;
  }
  std::vector<std::string> known;
  for (const auto& each : kKinds) known.emplace_back(each.name);
  refuse(rollup, "no such rule" + base::did_you_mean(name, known));
}

const date::time_zone* locate_zone(const std::string& zone, const std::string& rollup) {
  try {
    return date::locate_zone(zone);
  } catch (const std::exception&) {
    refuse(rollup, "no time zone '" + zone + "'");
  }
}

// date::format goes by way of a stream, which costs as much as counting ten records. Years have
// four digits: timestamps reach from 1684 to 2255.
std::string padded(unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); }

std::string month_name(const date::year_month_day& day) {
  return std::to_string(int{day.year()}) + "-" + padded(unsigned{day.month()});
}

std::string day_name(date::local_days day) {
  const date::year_month_day parts(day);
  return month_name(parts) + "-" + padded(unsigned{parts.day()});
}

int bits_of(std::string_view argument, const std::string& rollup) {
  int bits = 0;
  const auto* end = argument.data() + argument.size();
  const bool has_slash = argument.starts_with('/');
  const auto [stop, error] = std::from_chars(argument.data() + (has_slash ? 1 : 0), end, bits);
  if (!has_slash || error != std::errc{} || stop != end || bits < 1 || bits > 32) {
    refuse(rollup, "not /1 to /32");
  }
  return bits;
}

void set_argument(Rollup& rollup, Argument kind, const std::string& argument,
                  const std::string& text) {
  if (argument.empty()) refuse(text, "nothing behind the colon");
  switch (kind) {
    case Argument::none:
      refuse(text, "takes nothing behind a colon");
    case Argument::zone:
      rollup.zone = locate_zone(argument, text);
      break;
    case Argument::bits:
      rollup.address_bits = bits_of(argument, text);
      break;
    case Argument::name:
      rollup.argument = argument;
      break;
    case Argument::regex:
      rollup.regex = std::make_shared<const RE2>(argument, RE2::Quiet);
      if (!rollup.regex->ok()) refuse(text, rollup.regex->error());
      break;
  }
}

}  // namespace

bool Rollup::needs_agents() const noexcept {
  return kind == Kind::browser || kind == Kind::browser_version || kind == Kind::os ||
         kind == Kind::device;
}

Rollup parse_rollup(const std::string& text, const std::string& default_zone) {
  // A regular expression may have an equals sign: the name ends before the first colon.
  const auto equals = text.substr(0, text.find(':')).find('=');
  Rollup rollup;
  rollup.name = text.substr(0, equals);
  rollup.spec = equals == std::string::npos ? text : text.substr(equals + 1);
  const auto colon = rollup.spec.find(':');
  const auto& known = kind_named(rollup.spec.substr(0, colon), text);
  if (rollup.name.empty()) refuse(text, "no name");
  rollup.kind = known.kind;
  rollup.basis = known.basis;
  const bool has_argument = colon != std::string::npos;
  if (has_argument) {
    set_argument(rollup, known.argument, rollup.spec.substr(colon + 1), text);
  } else if (known.argument == Argument::zone) {
    set_argument(rollup, known.argument, default_zone, text);
    // What the store remembers must name the zone, whatever the default is later.
    rollup.spec += ":" + default_zone;
  } else if (known.argument == Argument::name) {
    refuse(text, "no name behind a colon");
  }
  return rollup;
}

std::string bucket_of(const Rollup& rollup, UnixNanos at) {
  if (rollup.basis != Basis::time) return "0";
  const auto local = rollup.zone->to_local(date::floor<std::chrono::seconds>(at));
  const auto day = date::floor<date::days>(local);
  switch (rollup.kind) {
    case Rollup::Kind::hour:
      return day_name(day) + "T" +
             padded(static_cast<unsigned>(date::floor<std::chrono::hours>(local - day).count()));
    case Rollup::Kind::day:
      return day_name(day);
    case Rollup::Kind::week:
      return day_name(day - (date::weekday(day) - date::Sunday));
    case Rollup::Kind::month:
      return month_name(date::year_month_day(day));
    case Rollup::Kind::year:
      return std::to_string(int{date::year_month_day(day).year()});
    default:
      break;
  }
  return "0";
}

}  // namespace manhattan::count
