// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "base/files.h"
#include "bin/program.h"
#include "log/ring_log.h"
#include "log/time_rotating_log.h"
#include "record/anonymize.h"
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

/// The one letter of option `name`, which must be among `letters`; 0 where it is not given.
char letter_of(const Values& values, const char* name, std::string_view letters) {
  const auto text = text_of(values, name);
  if (text.empty()) return 0;
  if (text.size() == 1 && letters.find(text[0]) != std::string::npos) return text[0];
  throw ConfigError("--" + std::string(name) + " '" + text + "' is none of " +
                    std::string(letters));
}

Goal goal_of(const Values& values, const std::string& name) {
  const auto type = letter_of(values, "type", "RASI"), format = letter_of(values, "format", "NCP");
  const auto value = text_of(values, "value");
  Goal goal{name, Decimal::parse(value), ValueType(type), ValueFormat(format)};
  if (values.count("value") && !goal.value)
    throw ConfigError("--value '" + value + "' is no number");
  return goal;
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
  static constexpr const char* kCommands = "goal NAME, split TEST [POPULATION...], page or pixel";
  if (words.empty()) throw ConfigError("no command: " + std::string(kCommands));
  const bool has_name = words[0] == "goal" || words[0] == "split";
  if (!has_name && words[0] != "page" && words[0] != "pixel")
    throw ConfigError("no such command '" + words[0] + "': " + kCommands);
  if (has_name && (words.size() < 2 || words[1].empty()))
    throw ConfigError("'" + words[0] + "' needs a name");
  const std::size_t most = words[0] == "split" ? words.size() : has_name + 1U;
  if (words.size() > most) throw ConfigError("'" + words[most] + "' is one argument too many");
}

int run(const Values& values) {
  const auto words = values.count("words") ? values["words"].as<Words>() : Words();
  check(words);
  const auto id = text_of(values, "visitor");
  if (id.empty()) throw ConfigError("no visitor: give --visitor or set MANHATTAN_VISITOR");
  const auto site = values["site"].as<std::int64_t>();
  if (site < 0 || site > INT32_MAX) throw ConfigError("--site must be from 0 to 2147483647");
  base::SystemFiles files;
  const base::SystemClock clock;
  const auto log = open_log(values, files, clock);
  Visitor visitor(id, *log, static_cast<SiteId>(site), Visitor::Buffering::until_flush);
  if (id == variable("MANHATTAN_VISITOR")) visitor.choose_for(variable("MANHATTAN_ROBOT"));
  if (words[0] == "goal") visitor.goal(goal_of(values, words[1]));
  if (words[0] == "split") std::cout << split(visitor, words) << std::endl;
  if (words[0] == "page") record_page(visitor);
  if (words[0] == "pixel") visitor.pixel();
  if (visitor.flush() != Append::dropped) return program::kDone;
  throw Error("record dropped: neither ring '" + text_of(values, "ring") +
              "' nor the log beside --path '" + text_of(values, "path") + "' could take it");
}

program::Program describe() {
  program::Program event;
  event.name = "manhattan-event";
  event.synopsis = "[options] goal NAME | split TEST [POPULATION[=WEIGHT]...] | page | pixel";
  event.purpose = "Records a goal, a split, a page or a pixel; split prints the population chosen.";
  using program::options::value;
  const auto text = [](const char* name) { return value<std::string>()->value_name(name); };
  // clang-format off
  event.described.add_options()
      ("value", text("NUMBER"), "what the goal was worth")
      ("type", text("LETTER"), "its values: S sum, A average, I per session, R rate")
      ("format", text("LETTER"), "its values are shown as N number, C currency, P percentage")
      ("ring,r", text("PATH")->default_value("/run/manhattan/ring"), "the ring, or none")
      ("path,p", text("PREFIX"), "the text log, beside which the spill log lies")
      ("visitor", text("ID"), "the visitor's id")
      ("site", value<std::int64_t>()->default_value(0)->value_name("ID"), "the site's number");
  event.hidden.add_options()("words", value<Words>());
  // clang-format on
  event.positional.add("words", -1);
  event.environment = {{"MANHATTAN_RING", "ring"},
                       {"MANHATTAN_PATH", "path"},
                       {"MANHATTAN_VISITOR", "visitor"},
                       {"MANHATTAN_SITE", "site"}};
  return event;
}

}  // namespace
}  // namespace manhattan

int main(int argc, char** argv) {
  return manhattan::program::run(argc, argv, manhattan::describe(), manhattan::run);
}
