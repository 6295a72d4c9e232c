// SPDX-License-Identifier: MIT
#include "bin/replay_options.h"

#include <algorithm>
#include <utility>

#include "bin/counting_options.h"
#include "bin/server_options.h"
#include "record/text_codec.h"

namespace manhattan::program {
namespace {

using Texts = std::vector<std::string>;
using Task = ReplayOptions::Task;

Filter filter_of(const options::variables_map& values) {
  Filter filter = record_filter(values);
  if (values.count("from")) filter.from = parse_time("--from", values["from"].as<std::string>());
  if (values.count("to")) filter.to = parse_time("--to", values["to"].as<std::string>());
  if (filter.from && filter.to && *filter.to <= *filter.from)
    throw ConfigError("--to is not after --from: nothing is in between");
  return filter;
}

Format format_of(const std::string& text) {
  return text == "json" ? Format::json : text == "tsv" ? Format::tsv : Format::text;
}

/// 0: as fast as it goes.
int speed_of(const std::string& text) {
  if (text == "max") return 0;
  const auto speed = whole_number(text);
  if (!speed || *speed < 1 || *speed > 1'000'000)
    throw ConfigError("--speed '" + text + "': a whole number such as 1 or 10, or max");
  return static_cast<int>(*speed);
}

/// What is asked for; at most one of what can't be had together.
Task task_of(const options::variables_map& values) {
  std::vector<std::string> asked;
  Task task = Task::print;
  const bool is_forgetting = values.count("forget") > 0;
  const auto consider = [&](const char* option, bool is_given, Task wanted) {
    if (!is_given) return;
    asked.push_back(option);
    task = wanted;
  };
  consider("--forget", is_forgetting, Task::forget);
  consider("--as-server", values["as-server"].as<bool>(), Task::rebuild);
  consider("--url", values.count("url") > 0 && !is_forgetting && task != Task::rebuild,
           Task::rebuild);
  consider("--ring", values.count("ring") > 0, Task::play);
  consider("--check", values["check"].as<bool>(), Task::check);
  consider("--format", !values["format"].defaulted(), Task::print);
  if (asked.size() > 1) throw ConfigError(asked[0] + " and " + asked[1] + ": one at a time");
  return task;
}

/// With other lines or records the counters would be others: the store remembers, and refuses.
std::string log_name(const ReplayOptions& chosen) {
  std::string name;
  for (const auto& prefix : chosen.prefixes) name += (name.empty() ? "" : " ") + prefix;
  if (chosen.is_combined) name += " (combined)";
  if (!chosen.filter.is_open()) name += " (" + chosen.filter.to_string() + ")";
  return name;
}

record::Visitors forgotten_visitors(const options::variables_map& values) {
  record::Visitors visitors;
  std::string storage;
  for (const auto& text : texts_of(values, "forget")) {
    if (text.empty()) throw ConfigError("--forget '': no visitor has that name");
    visitors.emplace(record::fit_name(text, storage));
  }
  return visitors;
}

/// Of what can't be had together.
void check_combination(const ReplayOptions& chosen) {
  if (chosen.is_following && (chosen.task != Task::print || chosen.is_combined))
    throw ConfigError("-f goes with printing a text log");
  if (chosen.task == Task::check && (chosen.is_combined || !chosen.filter.is_open()))
    throw ConfigError("--check takes all of a text log: no filter, not --combined");
  if (chosen.task == Task::forget && (chosen.is_combined || !chosen.filter.is_open()))
    throw ConfigError("--forget takes all of a text log: no filter, not --combined");
}

/// An option that would be left aside in silence is refused, where the command line has it. The
/// config file may have it for all tasks.
void refuse_unused(const options::variables_map& values, Task task) {
  struct Use {
    const char* option;
    std::vector<Task> tasks;
    const char* partner;
  };
  const Use uses[] = {
      {"speed", {Task::play}, "--ring"},
      {"anonymize", {Task::print, Task::rebuild, Task::play}, "printing, --url and --ring"},
      {"password-file", {Task::rebuild, Task::forget}, "--url"},
      {"complex", {Task::rebuild}, "--url"},
      {"rollup", {Task::rebuild}, "--url"},
      {"timezone", {Task::rebuild}, "--url"},
      {"user-agents", {Task::rebuild}, "--url"},
      {"robots", {Task::rebuild}, "--url"},
      {"flush-every", {Task::rebuild}, "--url"},
      {"cache-size", {Task::rebuild}, "--url"},
      {"threads", {Task::rebuild}, "--url"},
  };
  for (const auto& use : uses) {
    const bool is_used = std::ranges::find(use.tasks, task) != use.tasks.end();
    if (!is_used && is_typed(values, use.option))
      throw ConfigError("--" + std::string(use.option) + " goes with " + use.partner);
  }
  if (task == Task::forget && is_typed(values, "password-file") && values.count("url") == 0)
    throw ConfigError("--password-file goes with --url");
}

void add_task_options(std::vector<Option>& described) {
  const auto is_speed = [](const std::string& speed) { speed_of(speed); };
  const auto is_from = [](const std::string& time) { parse_time("--from", time); };
  const auto is_to = [](const std::string& time) { parse_time("--to", time); };
  // clang-format off
  described = {
      text("format", "FORMAT", "print records: text, tsv or json")
          .by_default("text").one_of({"text", "tsv", "json"}),
      flag("follow,f", "print on what is appended, until interrupted"),
      text("ring,r", "PATH", "write the records into this ring, as live traffic"),
      text("speed", "N", "with --ring: times as fast as it happened, or max")
          .by_default("1").checked_by(is_speed),
      flag("check", "look for damage and print what is found"),
      list("forget", "VISITOR", "erase this visitor in the log, and in the store of --url")
          .composing().free_text(),
      text("from", "TIME", "only records of TIME (UTC) or later").checked_by(is_from),
      text("to", "TIME", "only records before TIME").checked_by(is_to)};
  add_record_filter(described);
  described.push_back(flag("anonymize", "mask addresses: /24 of IPv4, /48 of IPv6"));
  described.push_back(
      flag("as-server", "count into a store as [manhattan-server] of the config file says"));
  described.push_back(flag("combined", "the operands are web server logs in combined format"));
  // clang-format on
}

/// The server's own log, store, rollups and goals, of which its config file and no other tells.
ReplayOptions as_server(const options::variables_map& values) {
  for (const auto& [name, value] : values) {
    const bool is_of_use =
        name == "config" || name == "url" || name == "password-file" || name == "as-server";
    if (is_of_use || !is_typed(values, name)) continue;
    throw ConfigError("--as-server and " + (name == "log-prefix" ? "PREFIX" : "--" + name) +
                      ": the section [manhattan-server] says what is counted, and how");
  }
  std::vector<std::string> words{"manhattan-server"};
  for (const auto* name : {"config", "url", "password-file"}) {
    if (!is_typed(values, name)) continue;
    words.insert(words.end(), {std::string("--") + name, values[name].as<std::string>()});
  }
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  auto server = server_options(
      reread(static_cast<int>(arguments.size()), arguments.data(), server_program()));
  ReplayOptions chosen;
  chosen.task = Task::rebuild;
  chosen.prefixes = {server.prefix};
  chosen.backend = std::move(server.backend);
  return chosen;
}

void check_replay(const options::variables_map& values) {
  check_counting(values);
  filter_of(values);
}

}  // namespace

Program replay_program() {
  Program program;
  program.name = "manhattan-replay";
  program.synopsis =
      "PREFIX... [--url STORE | --as-server | --ring PATH | --check | --forget VISITOR | --format "
      "FORMAT] "
      "[options]";
  program.purpose =
      "Reads text logs again: into a new store, into a ring, or onto standard output.";
  add_task_options(program.described);
  add_counting_options(program.described);
  program.hidden.add_options()("log-prefix", options::value<Texts>());
  program.positional.add("log-prefix", -1);
  program.check = check_replay;
  return program;
}

ReplayOptions replay_options(const options::variables_map& values) {
  ReplayOptions chosen;
  chosen.task = task_of(values);
  if (values["as-server"].as<bool>()) return as_server(values);
  chosen.is_combined = values["combined"].as<bool>();
  chosen.is_anonymized = values["anonymize"].as<bool>();
  const char* what = chosen.is_combined ? "web server log" : "log";
  for (const auto& prefix : texts_of(values, "log-prefix"))
    chosen.prefixes.push_back(absolute_prefix(what, prefix));
  if (chosen.prefixes.empty())
    throw ConfigError("no log is named: PREFIX of the files PREFIX.<hour>");
  std::sort(chosen.prefixes.begin(), chosen.prefixes.end());
  const auto twice = std::unique(chosen.prefixes.begin(), chosen.prefixes.end());
  chosen.prefixes.erase(twice, chosen.prefixes.end());
  chosen.filter = filter_of(values);
  chosen.format = format_of(values["format"].as<std::string>());
  chosen.is_following = values["follow"].as<bool>();
  chosen.speed = speed_of(values["speed"].as<std::string>());
  if (chosen.task == Task::play) chosen.ring = values["ring"].as<std::string>();
  check_combination(chosen);
  refuse_unused(values, chosen.task);
  if (chosen.task == Task::forget) {
    chosen.forgotten = forgotten_visitors(values);
    if (values.count("url")) chosen.forgetful_store = store_location(values);
  }
  if (chosen.task != Task::rebuild) return chosen;
  chosen.backend = counting_options(values);
  chosen.backend.log_prefix = log_name(chosen);
  chosen.backend.is_anonymized = std::exchange(chosen.is_anonymized, false);
  return chosen;
}

}  // namespace manhattan::program
