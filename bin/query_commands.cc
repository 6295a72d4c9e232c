// SPDX-License-Identifier: MIT
#include "bin/query_commands.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/near_name.h"
#include "bin/query_names.h"
#include "bin/query_statistics.h"
#include "report/bars.h"
#include "report/page.h"
#include "report/plot.h"
#include "report/prometheus.h"
#include "report/width.h"

namespace manhattan::program {
namespace {

using nlohmann::json;
using query::Request;
using report::Column;
using report::Format;
using report::Style;
using report::Table;
using Kind = Column::Kind;

/// A number that a server sends as exact text.
std::string exact_in(const json& value) {
  const auto number = Decimal::parse(value.get<std::string>());
  if (!number) throw DamageError("the server sent " + value.dump() + " for a number");
  return number->to_string();
}

std::string whole_in(const json& value) { return std::to_string(value.get<std::int64_t>()); }

/// The named arguments that say which counter.
json cell_in(const Question& question) {
  json named = {{"variant", nullptr}};
  if (const auto variant = question.text("variant")) named["variant"] = variant_in(*variant);
  if (question.site) named["site_id"] = *question.site;
  if (const auto rollup = question.text("rollup")) named["rollup_key"] = as_utf8(*rollup);
  if (const auto bucket = question.text("bucket")) named["bucket_id"] = as_utf8(*bucket);
  return named;
}

json one_cell_in(const Question& question) {
  const auto rollup = question.text("rollup").value_or("all");
  if (rollup != "all" && !question.has("bucket")) {
    throw ConfigError("--rollup '" + rollup + "' needs --bucket ID; 'series' prints all buckets");
  }
  if (question.has("bucket") && !question.has("rollup")) {
    throw ConfigError("--bucket '" + *question.text("bucket") + "' needs --rollup KEY");
  }
  return cell_in(question);
}

/// GOAL, which may be left out where there is a variant.
void need_goal_or_variant(const Question& question) {
  const bool has_variant = question.has("variant");
  need_operands(question, "GOAL or --variant TEST=POPULATION", has_variant ? 0 : 1, 1);
}

std::string ask_count(Session& session, const Question& question, const Style& style) {
  need_goal_or_variant(question);
  auto named = one_cell_in(question);
  if (!question.operands.empty()) named["goal"] = as_utf8(question.operands[0]);
  const auto count = session.call({.method = "count", .named = std::move(named)});
  if (count == 0) refuse_slips(session, question);
  return report::render_number("count", whole_in(count), style);
}

std::string ask_value(Session& session, const Question& question, const Style& style) {
  need_operands(question, "GOAL", 1, 1);
  auto named = one_cell_in(question);
  named["goal"] = as_utf8(question.operands[0]);
  named["exact"] = true;
  const auto value = session.call({.method = "goal_value", .named = std::move(named)});
  if (value == "0") refuse_slips(session, question);
  return report::render_number("value", exact_in(value), style);
}

std::string ask_tests(Session& session, const Question& question, const Style& style) {
  need_no_operands(question);
  Table table{{{"split"}, {"first", Kind::time}, {"last", Kind::time}}, {}};
  for (const auto& split : session.call({.method = "all_tests"})) {
    table.rows.push_back(
        {split.at(0).get<std::string>(), whole_in(split.at(1)), whole_in(split.at(2))});
  }
  return render(table, style);
}

std::string ask_goals(Session& session, const Question& question, const Style& style) {
  need_no_operands(question);
  Table table{{{"goal"}, {"value_type"}, {"value_format"}}, {}};
  for (const auto& goal : session.call({.method = "all_goals"})) {
    table.rows.push_back({goal.at(0), goal.at(1), goal.at(2)});
  }
  return render(table, style);
}

std::optional<std::int64_t> largest_of(const Question& question) {
  const auto given = question.text("largest");
  if (!given) return std::nullopt;
  if (!question.has("from") && !question.has("to")) return largest_in(*given);
  throw ConfigError("--largest takes no --from and no --to");
}

std::string ask_series(Session& session, const Question& question, const Style& style) {
  need_goal_or_variant(question);
  auto named = cell_in(question);
  named.erase("bucket_id");
  if (!question.operands.empty()) named["goal"] = as_utf8(question.operands[0]);
  if (const auto from = question.text("from")) named["first"] = as_utf8(*from);
  if (const auto to = question.text("to")) named["last"] = as_utf8(*to);
  if (const auto most = largest_of(question)) named["largest"] = *most;
  Table table{{{"bucket"}, {"count", Kind::number}, {"sum", Kind::number}, {"value", Kind::number}},
              {}};
  std::vector<report::PlotPoint> points;
  for (const auto& point : session.call({.method = "series", .named = std::move(named)})) {
    table.rows.push_back(
        {point.at(0), whole_in(point.at(1)), exact_in(point.at(2)), exact_in(point.at(3))});
    points.push_back({point.at(0), point.at(1).get<double>()});
  }
  if (points.empty()) refuse_slips(session, question);
  if (!question.has("plot")) return render(table, style);
  if (style.format != Format::table) throw ConfigError("--plot goes with --format table");
  const auto title = question.operands.empty() ? *question.text("variant") : question.operands[0];
  const auto draw = question.has("largest") ? report::bars : report::plot;
  return draw(as_utf8(title), points, style.width);
}

std::string ask_status(Session& session, const Question& question, const Style& style) {
  need_no_operands(question);
  const auto status = session.call({.method = "status"});
  if (style.format == Format::json) return status.dump(2) + "\n";
  using Texts = std::map<std::string, std::string>;
  const auto tallies = status.at("tallies").get<std::map<std::string, std::int64_t>>();
  auto versions = status.value("versions", Texts{});
  if (style.format == Format::prometheus) {
    versions["version"] = status.at("version");
    return report::prometheus_text(versions, tallies);
  }
  Table table{{{"name"}, {"value"}},
              {{"version", status.at("version")}, {"pointer", status.at("pointer")}}};
  const auto add = [&](const std::string& name, const std::string& value) {
    table.rows.push_back({name, value});
  };
  for (const std::string text : status.value("warnings", json::array())) add("warning", text);
  for (const auto& [name, number] : tallies) add(name, std::to_string(number));
  for (const auto& [name, version] : versions) add("version_" + name, version);
  for (const auto& [name, spec] : status.value("rollups", Texts{})) add("rollup " + name, spec);
  return render(table, style);
}

std::string ask_report(Session& session, const Question& question, const Style& style) {
  need_no_operands(question);
  if (style.format != Format::table) throw ConfigError("'report' is HTML; it takes no --format");
  need_rollup(session, question);
  report::PageOptions options;
  options.rollup = as_utf8(question.text("rollup").value_or(""));
  options.asked_at_s = base::SystemClock().now().time_since_epoch() / std::chrono::seconds(1);
  options.site = question.site;
  options.alpha = analysis_options(question).alpha;
  const auto call = [&](const Request& request) { return session.call(request); };
  return page(ask_page(call, options));
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

std::string ask_raw(Session& session, const Question& question, const Style&) {
  need_operands(question, "METHOD", 1, SIZE_MAX);
  Request request{.method = as_utf8(question.operands[0])};
  for (std::size_t i = 1; i < question.operands.size(); ++i) {
    add_raw_argument(question.operands[i], request);
  }
  return session.call(request).dump() + "\n";
}

struct Command {
  std::string (*ask)(Session&, const Question&, const Style&);
  const char* usage;
  const char* options;     ///< that mean something to it, each between blanks
  bool has_sites = false;  ///< it can be asked of one site
};

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> all = {
      {"call", {ask_raw, "call METHOD [JSON | NAME=JSON]...", " "}},
      {"compare",
       {compare_arms, "compare CONVERTED/VISITORS... | --value VISITORS:SUM:SQUARES...",
        " value weights margin "}},
      {"count", {ask_count, "count [GOAL]", " variant rollup bucket ", true}},
      {"goals", {ask_goals, "goals", " "}},
      {"report", {ask_report, "report", " rollup ", true}},
      {"results", {ask_results, "results TEST [GOAL]...", " weights ", true}},
      {"sample-size",
       {plan_sample, "sample-size --rate R --lift L | --sd S --delta D",
        " rate lift sd delta power ratio visitors "}},
      {"series", {ask_series, "series [GOAL]", " variant rollup from to largest plot ", true}},
      {"srm", {check_ratio, "srm VISITORS...", " weights "}},
      {"status", {ask_status, "status", " "}},
      {"tests", {ask_tests, "tests", " "}},
      {"value", {ask_value, "value GOAL", " variant rollup bucket ", true}},
  };
  return all;
}

/// An option that is silently left aside would answer another question than was asked. These may
/// be meant for all commands, in the config file.
bool is_for_all(const std::string& option) {
  return option == "alpha" || option == "planned" || option == "control";
}

void refuse_unused(const Question& question, const Command& command) {
  for (const auto& [name, value] : question.options) {
    const bool is_used = std::string(command.options).find(" " + name + " ") != std::string::npos;
    if (!is_used && !is_for_all(name)) {
      throw ConfigError("'" + question.command + "' takes no --" + name);
    }
  }
  if (question.is_site_typed && !command.has_sites)
    throw ConfigError("'" + question.command + "' takes no --site");
}

}  // namespace

std::string ask(Session& session, const Question& question, const Style& style) {
  const auto found = commands().find(question.command);
  if (found == commands().end())
    throw ConfigError("no command '" + question.command + "'" +
                      base::did_you_mean(question.command, command_names()));
  refuse_unused(question, found->second);
  if (style.format == Format::prometheus && question.command != "status") {
    throw ConfigError("'" + question.command + "' has no format prometheus, only 'status'");
  }
  try {
    return found->second.ask(session, question, style);
  } catch (const json::exception&) {
    throw DamageError("the server's answer to '" + question.command + "' has an unknown shape");
  }
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& [name, command] : commands()) names.push_back(name);
  return names;
}

std::string command_summary() {
  std::string summary = "Commands:";
  for (const auto& [name, command] : commands()) {
    summary += "\n  " + std::string(command.usage);
  }
  return summary;
}

}  // namespace manhattan::program
