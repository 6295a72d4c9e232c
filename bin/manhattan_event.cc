// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/denial.h"
#include "base/error.h"
#include "base/files.h"
#include "base/near_name.h"
#include "bin/event_options.h"
#include "log/ring_log.h"
#include "log/spill.h"
#include "log/time_rotating_log.h"
#include "record/anonymize.h"
#include "ring/ring_file.h"
#include "visitor/visitor.h"

namespace manhattan {
namespace {

using Values = program::options::variables_map;
using Words = std::vector<std::string>;

std::string text_of(const Values& values, const char* name) {
  return values.count(name) ? values[name].as<std::string>() : std::string();
}

std::unique_ptr<Log> open_log(const Values& values, base::Files& files, const base::Clock& clock) {
  const auto ring = text_of(values, "ring"), prefix = text_of(values, "path");
  RingLog::survive_cut_rings();
  if (ring != "none") return std::make_unique<RingLog>(ring, prefix, files);
  if (prefix.empty()) throw ConfigError("with --ring none, --path must say where the log is");
  return std::make_unique<TimeRotatingLog>(prefix, files, clock);
}

/// The one letter of option `name`; 0 where it is not given.
char letter_of(const Values& values, const char* name) {
  const auto text = text_of(values, name);
  return text.empty() ? '\0' : text[0];
}

Goal goal_of(const Values& values, const std::string& name) {
  const auto type = letter_of(values, "type"), format = letter_of(values, "format");
  return {name, Decimal::parse(text_of(values, "value")), ValueType(type), ValueFormat(format)};
}

visitor::Weighted weighted_of(const std::string& word) {
  const auto equals = word.rfind('=');
  if (equals == std::string::npos) return {word, 1};
  const auto weight = Decimal::parse(word.substr(equals + 1));
  if (!weight || *weight < Decimal{}) throw ConfigError("the weight of '" + word + "' is none");
  return {word.substr(0, equals), weight->to_double()};
}

/// The population chosen: its record is written with the visitor's flush.
std::string split(Visitor& visitor, const Words& words) {
  const Words populations(words.begin() + 2, words.end());
  if (populations.empty()) return visitor.split(words[1]);
  bool is_weighted = false;
  std::vector<visitor::Weighted> weighted;
  for (const auto& word : populations) {
    is_weighted |= word.find('=') != std::string::npos;
    weighted.push_back(weighted_of(word));
    if (weighted.back().name.empty()) throw ConfigError("population '" + word + "' has no name");
  }
  return is_weighted ? visitor.split(words[1], weighted) : visitor.split(words[1], populations);
}

std::string variable(const char* name, const char* fallback = "") {
  const char* value = std::getenv(name);
  return value && *value ? value : fallback;
}

/// The page as the CGI environment tells of it.
void record_page(Visitor& visitor) {
  const auto from = variable("REMOTE_ADDR"), method = variable("REQUEST_METHOD");
  const auto ip = variable("MANHATTAN_ANONYMIZE") == "1" ? record::masked_address(from) : from;
  const auto agent = variable("HTTP_USER_AGENT"), referrer = variable("HTTP_REFERER");
  auto url = variable("REQUEST_URI");
  if (const auto host = variable("HTTP_HOST"); !host.empty())
    url = variable("REQUEST_SCHEME", "http") + "://" + host + url;
  visitor.page({.ip = ip, .method = method, .url = url, .user_agent = agent, .referrer = referrer});
}

void check(const Words& words) {
  static const Words kCommands = {"goal", "split", "page", "pixel"};
  static constexpr const char* kUsage = "goal NAME, split TEST [POPULATION...], page or pixel";
  if (words.empty()) throw ConfigError("no command: " + std::string(kUsage));
  const bool has_name = words[0] == "goal" || words[0] == "split";
  if (!has_name && words[0] != "page" && words[0] != "pixel") {
    const auto meant = base::did_you_mean(words[0], kCommands);
    throw ConfigError("no such command '" + words[0] + "'" +
                      (meant.empty() ? ": " + std::string(kUsage) : meant));
  }
  if (has_name && (words.size() < 2 || words[1].empty()))
    throw ConfigError("'" + words[0] + "' needs a name");
  const std::size_t most = words[0] == "split" ? words.size() : has_name + 1U;
  if (words.size() > most)
    throw ConfigError("'" + words[most] + "' is one argument too many" +
                      (words[0] == "goal" ? "; a name with blanks needs quotes" : ""));
}

/// Options that only a goal has, where the command line has them: silence would lose a value.
void refuse_unused(const Values& values, const std::string& command) {
  for (const auto* name : {"value", "type", "format"}) {
    if (command != "goal" && program::is_typed(values, name))
      throw ConfigError("--" + std::string(name) + " goes with 'goal', not with '" + command + "'");
  }
}

/// Why the log beside `prefix` takes nothing.
std::string why_not_written(const std::string& prefix, const std::string& file) {
  const auto folder = base::folder_of(prefix);
  const auto denied_at = [](const std::string& path, int mode) {
    return ::access(path.c_str(), mode) != 0 && errno == EACCES;
  };
  if (denied_at(file, W_OK)) return base::denial_of(file);
  if (denied_at(folder, W_OK | X_OK)) return base::denial_of(folder);
  std::error_code why;
  if (!std::filesystem::is_directory(folder, why)) return "there is no folder '" + folder + "'";
  return "'" + file + "' can't be written";
}

/// Of a record that neither ring nor log has taken.
std::string why_dropped(const std::string& ring, const std::string& prefix) {
  if (ring == "none") return why_not_written(prefix, prefix);
  std::string why = "ring '" + ring + "' takes nothing";
  try {
    const ring::Mapping mapping(ring);
    why = "ring '" + ring + "' is full";
  } catch (const Error& error) {
    why = error.what();
  }
  if (prefix.empty()) return why + "; and no --path says where to spill to";
  return why + "; " + why_not_written(prefix, log::spill_path(prefix));
}

int run(const Values& values) {
  const auto words = values.count("words") ? values["words"].as<Words>() : Words();
  check(words);
  refuse_unused(values, words[0]);
  const auto id = text_of(values, "visitor");
  if (id.empty()) throw ConfigError("no visitor: give --visitor or set MANHATTAN_VISITOR");
  const auto site = values["site"].as<std::int64_t>();
  base::SystemFiles files;
  const base::SystemClock clock;
  const auto log = open_log(values, files, clock);
  const bool is_of_request = id == variable("MANHATTAN_VISITOR");
  const bool is_prefetch = is_of_request && variable("MANHATTAN_PREFETCH") == "1";
  using Buffering = Visitor::Buffering;
  Visitor visitor(id, *log, static_cast<SiteId>(site),
                  is_prefetch ? Buffering::until_shown : Buffering::until_flush);
  if (is_of_request) visitor.choose_for(variable("MANHATTAN_ROBOT"));
  if (words[0] == "goal") visitor.goal(goal_of(values, words[1]));
  if (words[0] == "split") std::cout << split(visitor, words) << std::endl;
  if (words[0] == "page") record_page(visitor);
  if (words[0] == "pixel") visitor.pixel();
  if (visitor.flush() != Append::dropped) return program::kDone;
  throw Error("record dropped: " + why_dropped(text_of(values, "ring"), text_of(values, "path")));
}

}  // namespace
}  // namespace manhattan

int main(int argc, char** argv) {
  return manhattan::program::run(argc, argv, manhattan::program::event_program(), manhattan::run);
}
