// SPDX-License-Identifier: MIT
#include "bin/query_commands.h"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "base/decimal.h"
#include "base/error.h"
#include "base/text.h"

namespace manhattan::program {
namespace {

using nlohmann::json;
using query::Client;
using query::Request;
using report::Column;
using report::Format;
using report::Style;
using report::Table;
using Kind = Column::Kind;

/// As a log's names are read: what is no UTF-8 is latin-1.
std::string as_utf8(const std::string& text) {
  return base::is_utf8(text) ? text : base::latin1_to_utf8(text);
}

/// A number that a server sends as exact text.
std::string number_in(const json& value) {
  const auto number = Decimal::parse(value.get<std::string>());
  if (!number) throw DamageError("the server sent " + value.dump() + " for a number");
  return number->to_string();
}

std::string count_in(const json& value) { return std::to_string(value.get<std::int64_t>()); }

std::string quotient(double numerator, double denominator) {
  if (denominator == 0) return {};
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, numerator / denominator).ptr};
}

void need_operands(const Question& question, std::size_t least, std::size_t most) {
  const auto count = question.operands.size();
  for (const auto& name : question.operands) {
    if (name.empty()) throw ConfigError("'" + question.command + "' was given an empty name");
  }
  if (count >= least && count <= most) return;
  throw ConfigError("'" + question.command + "' was given too " + (count < least ? "few" : "many") +
                    " names; names with blanks need quotes");
}

json variant_in(const Question& question) {
  if (!question.variant) return nullptr;
  const auto text = as_utf8(*question.variant);
  const auto equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError("variant '" + text + "' is not TEST=POPULATION");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// The named arguments that say which counter.
json cell_in(const Question& question) {
  json named = {{"variant", variant_in(question)}};
  if (question.site) named["site_id"] = *question.site;
  if (question.rollup) named["rollup_key"] = as_utf8(*question.rollup);
  if (question.bucket) named["bucket_id"] = as_utf8(*question.bucket);
  return named;
}

json one_cell_in(const Question& question) {
  if (question.rollup.value_or("all") != "all" && !question.bucket) {
    throw ConfigError("--rollup '" + *question.rollup +
                      "' needs --bucket ID; 'series' prints all buckets");
  }
  return cell_in(question);
}

std::string ask_count(Client& client, const Question& question, const Style& style) {
  need_operands(question, question.variant ? 0 : 1, 1);
  auto named = one_cell_in(question);
  if (!question.operands.empty()) named["goal"] = as_utf8(question.operands[0]);
  const auto count = client.call({.method = "count", .named = std::move(named)});
  return report::render_number("count", count_in(count), style);
}

std::string ask_value(Client& client, const Question& question, const Style& style) {
  need_operands(question, 1, 1);
  auto named = one_cell_in(question);
  named["goal"] = as_utf8(question.operands[0]);
  named["exact"] = true;
  const auto value = client.call({.method = "goal_value", .named = std::move(named)});
  return report::render_number("value", number_in(value), style);
}

std::string ask_tests(Client& client, const Question& question, const Style& style) {
  need_operands(question, 0, 0);
  Table table{{{"split"}, {"first", Kind::time}, {"last", Kind::time}}, {}};
  for (const auto& split : client.call({.method = "all_tests"})) {
    table.rows.push_back(
        {split.at(0).get<std::string>(), count_in(split.at(1)), count_in(split.at(2))});
  }
  return render(table, style);
}

std::string ask_goals(Client& client, const Question& question, const Style& style) {
  need_operands(question, 0, 0);
  Table table{{{"goal"}, {"value_type"}, {"value_format"}}, {}};
  for (const auto& goal : client.call({.method = "all_goals"})) {
    table.rows.push_back({goal.at(0), goal.at(1), goal.at(2)});
  }
  return render(table, style);
}

/// One row a population and goal; without goals, one a population.
Table results_table(const json& populations) {
  Table table{{{"population"},
               {"goal"},
               {"visitors", Kind::number},
               {"conversions", Kind::number},
               {"rate", Kind::ratio},
               {"value", Kind::number}},
              {}};
  for (const auto& population : populations) {
    const std::string name = population.at("population");
    const auto visitors = count_in(population.at("visitors"));
    for (const auto& goal : population.at("goals")) {
      const auto rate = quotient(goal.at("conversions"), population.at("visitors"));
      table.rows.push_back({name, goal.at("goal"), visitors, count_in(goal.at("conversions")), rate,
                            number_in(goal.at("value"))});
    }
    if (population.at("goals").empty()) table.rows.push_back({name, "", visitors, "", "", ""});
  }
  return table;
}

std::string ask_results(Client& client, const Question& question, const Style& style) {
  need_operands(question, 1, SIZE_MAX);
  json named = {{"test_name", as_utf8(question.operands[0])}, {"goals", json::array()}};
  for (std::size_t i = 1; i < question.operands.size(); ++i) {
    named["goals"].push_back(as_utf8(question.operands[i]));
  }
  if (question.site) named["site_id"] = *question.site;
  const auto answer = client.call({.method = "split_results", .named = named});
  const auto table = results_table(answer.at("populations"));
  const auto left_out = count_in(answer.at("left_out").at("visitor_without_pixel"));
  if (style.format == Format::json) {
    return "{\"split\": " + report::json_text(named["test_name"].get<std::string>()) +
           ",\n \"results\": " + report::json_rows(table) +
           ",\n \"left_out\": {\"visitor_without_pixel\": " + left_out + "}}\n";
  }
  if (style.format != Format::table) return render(table, style);
  return render(table, style) + "\nleft out, of all splits and sites: " + left_out +
         " visitors whose pixel never came\n";
}

std::string ask_series(Client& client, const Question& question, const Style& style) {
  need_operands(question, question.variant ? 0 : 1, 1);
  auto named = cell_in(question);
  named.erase("bucket_id");
  if (!question.operands.empty()) named["goal"] = as_utf8(question.operands[0]);
  if (question.from) named["first"] = as_utf8(*question.from);
  if (question.to) named["last"] = as_utf8(*question.to);
  Table table{{{"bucket"}, {"count", Kind::number}, {"sum", Kind::number}, {"value", Kind::number}},
              {}};
  for (const auto& point : client.call({.method = "series", .named = std::move(named)})) {
    table.rows.push_back(
        {point.at(0), count_in(point.at(1)), number_in(point.at(2)), number_in(point.at(3))});
  }
  return render(table, style);
}

std::string ask_status(Client& client, const Question& question, const Style& style) {
  need_operands(question, 0, 0);
  const auto status = client.call({.method = "status"});
  Table table{{{"name"}, {"value"}}, {}};
  table.rows.push_back({"version", status.at("version")});
  table.rows.push_back({"pointer", status.at("pointer")});
  for (const auto& [name, number] : status.at("tallies").items()) {
    table.rows.push_back({name, count_in(number)});
  }
  return style.format == Format::json ? status.dump(2) + "\n" : render(table, style);
}

/// `JSON`, or `NAME=JSON` for an argument by name: no JSON value starts like that.
void add_raw_argument(const std::string& text, Request& request) {
  constexpr const char* kNameBytes = "abcdefghijklmnopqrstuvwxyz_";
  const auto end = text.find_first_not_of(kNameBytes);
  const bool is_named = end != std::string::npos && end > 0 && text[end] == '=';
  const auto value = json::parse(is_named ? text.substr(end + 1) : text, nullptr, false);
  if (value.is_discarded()) {
    throw ConfigError("argument '" + text + "' is no JSON; a string needs double quotes");
  }
  if (is_named) {
    request.named[text.substr(0, end)] = value;
  } else {
    request.arguments.push_back(value);
  }
}

std::string ask_raw(Client& client, const Question& question, const Style&) {
  need_operands(question, 1, SIZE_MAX);
  Request request{.method = as_utf8(question.operands[0])};
  for (std::size_t i = 1; i < question.operands.size(); ++i) {
    add_raw_argument(question.operands[i], request);
  }
  return client.call(request).dump() + "\n";
}

struct Command {
  std::string (*ask)(Client&, const Question&, const Style&);
  const char* usage;
  const char* options;  ///< that mean something to it, each between blanks
};

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> all = {
      {"call", {ask_raw, "call METHOD [JSON | NAME=JSON]...", " "}},
      {"count", {ask_count, "count [GOAL]", " variant rollup bucket "}},
      {"goals", {ask_goals, "goals", " "}},
      {"results", {ask_results, "results TEST [GOAL]...", " "}},
      {"series", {ask_series, "series [GOAL]", " variant rollup from to "}},
      {"status", {ask_status, "status", " "}},
      {"tests", {ask_tests, "tests", " "}},
      {"value", {ask_value, "value GOAL", " variant rollup bucket "}},
  };
  return all;
}

/// An option that is silently left aside would answer another question than was asked. --site
/// alone may be meant for all commands, in the config file.
void refuse_unused(const Question& question, const Command& command) {
  const std::pair<const char*, const std::optional<std::string>&> given[] = {
      {"variant", question.variant}, {"rollup", question.rollup}, {"bucket", question.bucket},
      {"from", question.from},       {"to", question.to},
  };
  for (const auto& [name, value] : given) {
    const bool is_used =
        std::string(command.options).find(" " + std::string(name) + " ") != std::string::npos;
    if (value && !is_used) {
      throw ConfigError("'" + question.command + "' takes no --" + name);
    }
  }
}

}  // namespace

std::string ask(Client& client, const Question& question, const Style& style) {
  const auto found = commands().find(question.command);
  if (found == commands().end()) throw ConfigError("no command '" + question.command + "'");
  refuse_unused(question, found->second);
  try {
    return found->second.ask(client, question, style);
  } catch (const json::exception&) {
    throw DamageError("the server's answer to '" + question.command + "' has an unknown shape");
  }
}

std::string command_summary() {
  std::string summary = "Commands:";
  for (const auto& [name, command] : commands()) {
    summary += "\n  " + std::string(command.usage);
  }
  return summary;
}

}  // namespace manhattan::program
