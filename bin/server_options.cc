// SPDX-License-Identifier: MIT
#include "bin/server_options.h"

#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "query/endpoint.h"
#include "ring/ring_file.h"

namespace manhattan::program {
namespace {

using Texts = std::vector<std::string>;

constexpr std::int64_t kDefaultRingMib = ring::kDefaultRingBytes >> 20;

Texts texts_of(const options::variables_map& values, const char* name) {
  return values.count(name) ? values[name].as<Texts>() : Texts{};
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

/// The same however the server was started, for the store remembers segments by it.
std::string absolute_prefix(const std::string& prefix) {
  const auto folder = base::folder_of(prefix);
  if (base::name_of(prefix).empty())
    throw ConfigError("--path '" + prefix + "' names a folder, not a log");
  std::error_code why;
  const auto absolute = std::filesystem::canonical(folder, why);
  if (why) throw ConfigError("log folder '" + folder + "': " + why.message());
  if (!std::filesystem::is_directory(absolute))
    throw ConfigError("log folder '" + folder + "' is no folder");
  return (absolute / base::name_of(prefix)).string();
}

store::Location location_of(const options::variables_map& values) {
  auto location = store::Location::parse(required(values, "url"));
  const auto& file = values["password-file"].as<std::string>();
  const char* environment = std::getenv("MANHATTAN_PASSWORD");
  try {
    if (!file.empty()) {
      location.set_password(std::string(base::trim(base::read_file(file))));
    } else if (environment != nullptr) {
      location.set_password(environment);
    }
  } catch (const IoError& error) {
    throw ConfigError(error.what());
  }
  return location;
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
  names.clear();
  for (const auto& text : texts_of(values, "complex")) {
    auto goal = count::parse_complex_goal(text);
    if (!names.insert(goal.name).second) throw ConfigError("--complex '" + text + "': named twice");
    rules.complex_goals.push_back(std::move(goal));
  }
  return rules;
}

}  // namespace

Program server_program() {
  Program program;
  program.name = "manhattan-server";
  program.synopsis = "--path PREFIX --url STORE [options]";
  program.purpose =
      "Drains the ring into the text log, counts it into a store and answers questions.";
  const auto text = [](const char* fallback, const char* name) {
    return options::value<std::string>()->default_value(fallback)->value_name(name);
  };
  const auto number = [](std::int64_t fallback) {
    return options::value<std::int64_t>()->default_value(fallback)->value_name("N");
  };
  // clang-format off
  program.described.add_options()
      ("path,p", options::value<std::string>()->value_name("PREFIX"), "the text log: PREFIX.<hour>")
      ("url,u", options::value<std::string>()->value_name("STORE"),
       "sqlite:///FILE or mysql://USER@HOST:PORT/DATABASE")
      ("ring,r", text("none", "PATH"), "the ring to drain, made where it is missing; none: others write the log")
      ("ring-mib", number(kDefaultRingMib), "size of a new ring, in MiB")
      ("password-file", text("", "FILE"), "the store's password; else MANHATTAN_PASSWORD")
      ("bind", options::value<Texts>()->composing()->value_name("ENDPOINT"),
       "answer questions at tcp://ADDRESS:PORT or ipc://PATH; default tcp://127.0.0.1:5555")
      ("complex,c", options::value<Texts>()->composing()->value_name("GOAL"),
       "a complex goal: name|include,include|exclude")
      ("rollup", options::value<Texts>()->composing()->value_name("NAME=SPEC"),
       "count by SPEC too: hour, day, week, month or year[:TIMEZONE]")
      ("timezone", text("UTC", "TZ"), "the zone of rollups that name none")
      ("flush-every", number(1'000'000), "commit at least every N records (and every second)")
      ("cache-size", number(200'000), "visitors whose history is kept in memory")
      ("log", text("", "FILE"), "messages to FILE instead of standard error; reopened on SIGHUP")
      ("once", options::bool_switch(), "count what there is, flush and exit")
      ("verbose,v", options::bool_switch(), "say what is being done");
  // clang-format on
  return program;
}

ServerOptions server_options(const options::variables_map& values) {
  ServerOptions chosen;
  chosen.ring = values["ring"].as<std::string>();
  chosen.ring_bytes = static_cast<std::uint64_t>(at_least(values, "ring-mib", 1)) << 20;
  chosen.prefix = absolute_prefix(required(values, "path"));
  chosen.endpoints = texts_of(values, "bind");
  chosen.message_file = values["log"].as<std::string>();
  chosen.is_once = values["once"].as<bool>();
  chosen.is_verbose = values["verbose"].as<bool>();
  chosen.backend.location = location_of(values);
  chosen.backend.log_prefix = chosen.prefix;
  chosen.backend.rules = rules_of(values);
  chosen.backend.flush_every_records = at_least(values, "flush-every", 1);
  chosen.backend.cache_visitors = at_least(values, "cache-size", 1);
  if (chosen.endpoints.empty()) chosen.endpoints = {query::kDefaultEndpoint};
  for (const auto& endpoint : chosen.endpoints) query::check_endpoint(endpoint);
  return chosen;
}

}  // namespace manhattan::program
