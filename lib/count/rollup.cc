// SPDX-License-Identifier: MIT
#include "count/rollup.h"

#include <array>

#include "base/error.h"

namespace manhattan::count {
namespace {

struct KindName {
  std::string_view name;
  Rollup::Kind kind;
};
constexpr std::array<KindName, 6> kKinds = {{{"all", Rollup::Kind::all},
                                             {"hour", Rollup::Kind::hour},
                                             {"day", Rollup::Kind::day},
                                             {"week", Rollup::Kind::week},
                                             {"month", Rollup::Kind::month},
                                             {"year", Rollup::Kind::year}}};

const date::time_zone* locate_zone(const std::string& zone, const std::string& rollup) {
  try {
    return date::locate_zone(zone);
  } catch (const std::exception&) {
    throw ConfigError("rollup '" + rollup + "': no time zone '" + zone + "'");
  }
}

std::string day_name(date::local_days day) { return date::format("%Y-%m-%d", day); }

}  // namespace

Rollup parse_rollup(const std::string& text, const std::string& default_zone) {
  const auto equals = text.find('=');
  Rollup rollup;
  rollup.name = text.substr(0, equals);
  rollup.spec = equals == std::string::npos ? text : text.substr(equals + 1);
  const auto colon = rollup.spec.find(':');
  const auto kind = rollup.spec.substr(0, colon);
  const KindName* known = nullptr;
  for (const auto& each : kKinds) {
    if (each.name == kind) known = &each;
  }
  if (rollup.name.empty() || known == nullptr)
    throw ConfigError("rollup '" + text + "': no such rule");
  rollup.kind = known->kind;
  if (rollup.kind == Rollup::Kind::all) {
    if (colon != std::string::npos) throw ConfigError("rollup '" + text + "': all takes no zone");
    return rollup;
  }
  const auto zone = colon == std::string::npos ? default_zone : rollup.spec.substr(colon + 1);
  rollup.zone = locate_zone(zone, text);
  // What the store remembers must name the zone, whatever the default is later.
  rollup.spec = kind + ":" + zone;
  return rollup;
}

std::string bucket_of(const Rollup& rollup, UnixNanos at) {
  if (rollup.kind == Rollup::Kind::all) return "0";
  const auto local = rollup.zone->to_local(date::floor<std::chrono::seconds>(at));
  const auto day = date::floor<date::days>(local);
  switch (rollup.kind) {
    case Rollup::Kind::hour:
      return date::format("%Y-%m-%dT%H", date::floor<std::chrono::hours>(local));
    case Rollup::Kind::day:
      return day_name(day);
    case Rollup::Kind::week:
      return day_name(day - (date::weekday(day) - date::Sunday));
    case Rollup::Kind::month:
      return date::format("%Y-%m", day);
    case Rollup::Kind::year:
      return date::format("%Y", day);
    case Rollup::Kind::all:
      break;
  }
  return "0";
}

}  // namespace manhattan::count
