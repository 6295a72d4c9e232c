// SPDX-License-Identifier: MIT
#include "bin/counting_options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"

namespace manhattan::program {
namespace {

constexpr std::int64_t kMostThreads = 64;

// A history as large as these allow still goes into one statement of a database.
constexpr std::int64_t kMostBuckets = 100'000, kMostGoals = 10'000, kMostVariants = 1000;
constexpr std::int64_t kMostWaitingKib = 4096, kMostLogMib = std::int64_t{1} << 40;

/// The bounds of a visitor; 0: none.
count::VisitorBounds bounds_of(const options::variables_map& values) {
  const auto number = [&](const char* name) {
    return static_cast<std::uint64_t>(values[name].as<std::int64_t>());
  };
  count::VisitorBounds bounds;
  bounds.buckets = static_cast<std::uint32_t>(number("visitor-buckets"));
  bounds.goals = static_cast<std::uint32_t>(number("visitor-goals"));
  bounds.variants = static_cast<std::uint32_t>(number("visitor-variants"));
  bounds.waiting_bytes = number("waiting-kib") << 10;
  bounds.waiting_log_bytes = number("waiting-log-mib") << 20;
  return bounds;
}

std::string read_config_file(const options::variables_map& values, const char* option) {
  try {
    return base::read_file(values[option].as<std::string>());
  } catch (const IoError& error) {
    throw ConfigError(std::string("--") + option + ": " + error.what());
  }
}

count::Rules rules_of(const options::variables_map& values) {
  count::Rules rules;
  std::set<std::string> names;
  const auto& zone = values["timezone"].as<std::string>();
  auto rollups = texts_of(values, "rollup");
  rollups.insert(rollups.begin(), "all");  // what every question without a rollup asks for
  for (const auto& text : rollups) {
    auto rollup = count::parse_rollup(text, zone);
    if (names.insert(rollup.name).second) {
      rules.rollups.push_back(std::move(rollup));
    } else if (text != "all") {
      throw ConfigError("--rollup " + text + ": there is one named '" + rollup.name + "' already");
    }
  }
  const bool needs_agents = std::ranges::any_of(rules.rollups, &count::Rollup::needs_agents);
  if (needs_agents) rules.agent_patterns = read_config_file(values, "user-agents");
  const auto& robots = values["robots"].as<std::string>();
  if (robots == "none") {
    rules.robots.clear();
  } else if (!robots.empty()) {
    rules.robots = read_config_file(values, "robots");
  }
  names.clear();
  for (const auto& text : texts_of(values, "complex")) {
    auto goal = count::parse_complex_goal(text);
    if (!names.insert(goal.name).second) throw ConfigError("--complex '" + text + "': named twice");
    rules.complex_goals.push_back(std::move(goal));
  }
  rules.bounds = bounds_of(values);
  return rules;
}

}  // namespace

void add_counting_options(std::vector<Option>& described) {
  const auto is_store = [](const std::string& url) { store::Location::parse(url); };
  const auto is_goal = [](const std::string& goal) { count::parse_complex_goal(goal); };
  // Every rollup is checked with the zone that is in force, by rules_of().
  const auto is_rollup = [](const std::string& rollup) { count::parse_rollup(rollup, "UTC"); };
  const auto name_of_goal = [](const std::string& goal) {
    return count::parse_complex_goal(goal).name;
  };
  const auto name_of_rollup = [](const std::string& rollup) {
    const auto name = count::parse_rollup(rollup, "UTC").name;
    return name == "all" ? "" : name;  // which is always there, and may be named
  };
  const auto is_password = [](const std::string& file) {
    std::error_code unknown;
    if (std::filesystem::exists(file, unknown)) base::read_secret(file);
  };
  const auto is_list_of_robots = [](const std::string& file) {
    if (file != "none") base::read_file(file);
  };
  const auto is_zone = [](const std::string& zone) { count::parse_rollup("day", zone); };
  // clang-format off
  described.insert(described.end(), {
      text("url,u", "STORE", "sqlite:///FILE or mysql://USER@HOST:PORT/DATABASE")
          .checked_by(is_store).at_restart(),
      text("password-file", "FILE", "the store's password; else MANHATTAN_PASSWORD")
          .by_default("").checked_on_machine(is_password).at_restart(),
      list("complex,c", "GOAL", "a complex goal: name|include,include|exclude")
          .composing().free_text().checked_by(is_goal).named_by(name_of_goal).on_reload(),
      list("rollup", "NAME=SPEC", "count by SPEC too: day:TIMEZONE, browser, referrer, path:REGEX and others")
          .composing().checked_by(is_rollup).named_by(name_of_rollup).on_reload(),
      text("timezone", "TZ", "the zone of rollups that name none")
          .by_default("UTC").checked_by(is_zone).on_reload(),
      text("user-agents", "FILE", "uap-core's patterns, for rollups by browser, os or device")
          .by_default("/usr/share/uap-core/regexes.yaml").on_reload(),
      text("robots", "FILE", "patterns of robots to leave out; else Manhattan's own; none: none")
          .by_default("").checked_on_machine(is_list_of_robots).at_restart(),
      number("visitor-buckets", "N", "buckets of one visitor in a rollup; further ones are Other; 0: all")
          .by_default(10'000).between(0, kMostBuckets).at_restart(),
      number("visitor-goals", "N", "goals of one visitor, two where on two sites; further ones are left out; 0: all")
          .by_default(1000).between(0, kMostGoals).at_restart(),
      number("visitor-variants", "N", "populations of one visitor; further ones are left out; 0: all")
          .by_default(50).between(0, kMostVariants).at_restart(),
      number("waiting-kib", "N", "records of one visitor that wait for the pixel, in KiB; 0: the newest 500")
          .by_default(64).between(0, kMostWaitingKib).at_restart(),
      number("waiting-log-mib", "N", "forget who has no pixel after N MiB more of the log; 0: after two years")
          .by_default(1024).between(0, kMostLogMib).at_restart(),
      number("flush-every", "N", "commit at least every N records")
          .by_default(10'000'000).at_least(1).on_reload(),
      number("cache-size", "N", "visitors whose history is kept in memory")
          .by_default(200'000).at_least(1).on_reload(),
      number("threads", "N", "that count, each its own visitors")
          .by_default(1).between(1, kMostThreads).on_reload()});
  // clang-format on
}

store::Location store_location(const options::variables_map& values) {
  auto location = store::Location::parse(required(values, "url"));
  const auto& file = values["password-file"].as<std::string>();
  const char* environment = std::getenv("MANHATTAN_PASSWORD");
  if (!file.empty()) {
    location.set_password(std::string(base::trim(base::read_secret(file))));
  } else if (environment != nullptr) {
    location.set_password(environment);
  }
  return location;
}

Backend::Options counting_options(const options::variables_map& values) {
  Backend::Options chosen;
  chosen.location = store_location(values);
  chosen.rules = rules_of(values);
  chosen.flush_every_records = values["flush-every"].as<std::int64_t>();
  chosen.cache_visitors = values["cache-size"].as<std::int64_t>();
  chosen.threads = values["threads"].as<std::int64_t>();
  return chosen;
}

void check_counting(const options::variables_map& values) { rules_of(values); }

std::string absolute_prefix(const std::string& option, const std::string& prefix) {
  const auto folder = base::folder_of(prefix);
  if (base::name_of(prefix).empty())
    throw ConfigError(option + " '" + prefix + "' names a folder, not a log");
  std::error_code why;
  const auto absolute = std::filesystem::canonical(folder, why);
  if (why) throw ConfigError("log folder '" + folder + "': " + why.message());
  if (!std::filesystem::is_directory(absolute))
    throw ConfigError("log folder '" + folder + "' is no folder");
  return (absolute / base::name_of(prefix)).string();
}

void check_prefix(const std::string& option, const std::string& prefix) {
  std::error_code why;
  if (std::filesystem::exists(base::folder_of(prefix), why)) absolute_prefix(option, prefix);
}

std::vector<std::string> texts_of(const options::variables_map& values, const char* name) {
  return values.count(name) ? values[name].as<std::vector<std::string>>()
                            : std::vector<std::string>{};
}

std::string required(const options::variables_map& values, const char* name) {
  if (values.count(name)) return values[name].as<std::string>();
  throw ConfigError("--" + std::string(name) + " is missing");
}

}  // namespace manhattan::program
