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
  return rules;
}

}  // namespace

void add_counting_options(options::options_description& described) {
  const auto text = [](const char* fallback, const char* name) {
    return options::value<std::string>()->default_value(fallback)->value_name(name);
  };
  const auto number = [](std::int64_t fallback) {
    return options::value<std::int64_t>()->default_value(fallback)->value_name("N");
  };
  using Texts = std::vector<std::string>;
  // clang-format off
  described.add_options()
      ("url,u", options::value<std::string>()->value_name("STORE"),
       "sqlite:///FILE or mysql://USER@HOST:PORT/DATABASE")
      ("password-file", text("", "FILE"), "the store's password; else MANHATTAN_PASSWORD")
      ("complex,c", options::value<Texts>()->composing()->value_name("GOAL"),
       "a complex goal: name|include,include|exclude")
      ("rollup", options::value<Texts>()->composing()->value_name("NAME=SPEC"),
       "count by SPEC too: day:TIMEZONE, browser, referrer, path:REGEX and others")
      ("timezone", text("UTC", "TZ"), "the zone of rollups that name none")
      ("user-agents", text("/usr/share/uap-core/regexes.yaml", "FILE"),
       "uap-core's patterns, for rollups by browser, os or device")
      ("robots", text("", "FILE"), "patterns of robots to leave out; else Manhattan's own; none: none")
      ("flush-every", number(10'000'000), "commit at least every N records")
      ("cache-size", number(200'000), "visitors whose history is kept in memory")
      ("threads", number(1), "that count, each its own visitors");
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
  chosen.flush_every_records = at_least(values, "flush-every", 1);
  chosen.cache_visitors = at_least(values, "cache-size", 1);
  chosen.threads = at_least(values, "threads", 1);
  if (chosen.threads > kMostThreads)
    throw ConfigError("--threads " + std::to_string(chosen.threads) + ": at most " +
                      std::to_string(kMostThreads));
  return chosen;
}

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

std::vector<std::string> texts_of(const options::variables_map& values, const char* name) {
  return values.count(name) ? values[name].as<std::vector<std::string>>()
                            : std::vector<std::string>{};
}

std::string required(const options::variables_map& values, const char* name) {
  if (values.count(name)) return values[name].as<std::string>();
  throw ConfigError("--" + std::string(name) + " is missing");
}

std::int64_t at_least(const options::variables_map& values, const char* name, std::int64_t least) {
  const auto number = values[name].as<std::int64_t>();
  if (number >= least) return number;
  throw ConfigError("--" + std::string(name) + " " + std::to_string(number) + ": at least " +
                    std::to_string(least));
}

}  // namespace manhattan::program
