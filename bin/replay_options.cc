// SPDX-License-Identifier: MIT
#include "bin/replay_options.h"

#include <algorithm>
#include <charconv>

#include "bin/counting_options.h"
#include "record/text_codec.h"

namespace manhattan::program {
namespace {

using Texts = std::vector<std::string>;
using Task = ReplayOptions::Task;

SiteId parse_site(const std::string& text) {
  SiteId site = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, site);
  if (text.empty() || error != std::errc{} || stop != end || site < 0)
    throw ConfigError("--site '" + text + "' is no number of a site");
  return site;
}

Filter filter_of(const options::variables_map& values) {
  Filter filter;
  if (values.count("from")) filter.from = parse_time("--from", values["from"].as<std::string>());
  if (values.count("to")) filter.to = parse_time("--to", values["to"].as<std::string>());
  if (filter.from && filter.to && *filter.to <= *filter.from)
    throw ConfigError("--to is not after --from: nothing is in between");
  for (const auto& text : texts_of(values, "site")) filter.sites.insert(parse_site(text));
  for (const auto& text : texts_of(values, "visitor")) filter.visitors.insert(text);
  for (const auto& text : texts_of(values, "kind")) {
    if (text != "page" && text != "pixel" && text != "goal" && text != "split")
      throw ConfigError("--kind '" + text + "': page, pixel, goal or split");
    filter.kinds.insert(text);
  }
  return filter;
}

Format parse_format(const std::string& text) {
  if (text == "text") return Format::text;
  if (text == "tsv") return Format::tsv;
  if (text == "json") return Format::json;
  throw ConfigError("--format '" + text + "': text, tsv or json");
}

int parse_speed(const std::string& text) {
  if (text == "max") return 0;
  int speed = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, speed);
  if (error != std::errc{} || stop != end || speed < 1 || speed > 1'000'000)
    throw ConfigError("--speed '" + text + "': a whole number such as 1 or 10, or max");
  return speed;
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
  consider("--url", values.count("url") > 0 && !is_forgetting, Task::rebuild);
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

void add_task_options(options::options_description& described) {
  const auto text = [](const char* name) {
    return options::value<std::string>()->value_name(name);
  };
  const auto texts = [](const char* name) {
    return options::value<Texts>()->composing()->value_name(name);
  };
  // clang-format off
  described.add_options()
      ("format", text("FORMAT")->default_value("text"), "print records: text, tsv or json")
      ("follow,f", options::bool_switch(), "print on what is appended, until interrupted")
      ("ring,r", text("PATH"), "write the records into this ring, as live traffic")
      ("speed", text("N")->default_value("1"), "with --ring: times as fast as it happened, or max")
      ("check", options::bool_switch(), "look for damage and print what is found")
      ("forget", texts("VISITOR"), "erase this visitor in the log, and in the store of --url")
      ("from", text("TIME"), "only records of TIME (UTC) or later")
      ("to", text("TIME"), "only records before TIME")
      ("site", texts("ID"), "only records of this site")
      ("visitor", texts("ID"), "only records of this visitor")
      ("kind", texts("KIND"), "only records of this kind: page, pixel, goal or split")
      ("anonymize", options::bool_switch(), "mask addresses: /24 of IPv4, /48 of IPv6")
      ("combined", options::bool_switch(), "the operands are web server logs in combined format");
  // clang-format on
}

}  // namespace

Program replay_program() {
  Program program;
  program.name = "manhattan-replay";
  program.synopsis =
      "PREFIX... [--url STORE | --ring PATH | --check | --forget VISITOR | --format FORMAT] "
      "[options]";
  program.purpose =
      "Reads text logs again: into a new store, into a ring, or onto standard output.";
  add_task_options(program.described);
  add_counting_options(program.described);
  program.hidden.add_options()("log-prefix", options::value<Texts>());
  program.positional.add("log-prefix", -1);
  return program;
}

ReplayOptions replay_options(const options::variables_map& values) {
  ReplayOptions chosen;
  chosen.task = task_of(values);
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
  chosen.format = parse_format(values["format"].as<std::string>());
  chosen.is_following = values["follow"].as<bool>();
  chosen.speed = parse_speed(values["speed"].as<std::string>());
  if (chosen.task == Task::play) chosen.ring = values["ring"].as<std::string>();
  check_combination(chosen);
  if (chosen.task == Task::forget) {
    chosen.forgotten = forgotten_visitors(values);
    if (values.count("url")) chosen.forgetful_store = store_location(values);
  }
  if (chosen.task != Task::rebuild) return chosen;
  chosen.backend = counting_options(values);
  chosen.backend.log_prefix = log_name(chosen);
  return chosen;
}

}  // namespace manhattan::program
