// SPDX-License-Identifier: MIT
#include "report/page_data.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace manhattan::report {
namespace {

using nlohmann::json;
using query::Request;

constexpr const char* kViewedPage = "viewed page";
// A page must stay readable, and asking for it short.
constexpr std::size_t kMostGoals = 100, kMostSplits = 20, kMostGoalsOfSplit = 10;
constexpr std::size_t kMostPoints = 400, kMostBars = 12;

/// Named arguments, for the page's site.
json named(const PageOptions& options, json arguments) {
  if (options.site) arguments["site_id"] = *options.site;
  return arguments;
}

/// Visitors who viewed a page, by bucket of `rollup`.
std::vector<PlotPoint> viewers_by(const Call& call, const PageOptions& options,
                                  const std::string& rollup, json arguments = json::object()) {
  arguments.update({{"goal", kViewedPage}, {"rollup_key", rollup}});
  std::vector<PlotPoint> points;
  for (const auto& point :
       call({.method = "series", .named = named(options, std::move(arguments))})) {
    points.push_back({point.at(0), point.at(1).get<double>()});
  }
  return points;
}

/// The rollups of the server, name and what it divides by.
using Rollups = std::map<std::string, std::string>;

/// `path:REGEX` and its like are of the kind before the colon.
std::string kind_of(const std::string& spec) { return spec.substr(0, spec.find(':')); }

std::string time_rollup(const Rollups& rollups) {
  for (const auto* kind : {"day", "week", "month", "year", "hour"}) {
    for (const auto& [name, spec] : rollups) {
      if (kind_of(spec) == kind) return name;
    }
  }
  return {};
}

/// Empty where the rollup makes no section: of time, of single addresses, of populations.
std::string title_of(const std::string& name, const std::string& spec) {
  static const std::map<std::string, std::string> titles = {
      {"browser", "Browsers"},   {"browser_version", "Browser versions"},
      {"os", "Systems"},         {"device", "Devices"},
      {"referrer", "Referrers"}, {"path", "Pages"},
      {"query", "Parameters"},   {"header", "Headers"}};
  const auto kind = kind_of(spec);
  const auto found = titles.find(kind);
  if (found == titles.end()) return {};
  if (name == kind) return found->second;
  return found->second + ": " + name.substr(name.starts_with(kind + ":") ? kind.size() + 1 : 0);
}

void ask_sections(const Call& call, const Rollups& rollups, PageData& page) {
  for (const auto& [name, spec] : rollups) {
    const auto title = title_of(name, spec);
    if (title.empty()) continue;
    auto points = viewers_by(call, page.options, name, {{"largest", kMostBars}});
    if (!points.empty()) page.sections.push_back({title, std::move(points)});
  }
}

void ask_series(const Call& call, const Rollups& rollups, PageData& page) {
  auto& rollup = page.options.rollup;
  if (!rollup.empty() && !rollups.contains(rollup)) {
    std::string names;
    for (const auto& [name, spec] : rollups) names += (names.empty() ? "" : ", ") + name;
    throw MissingError("the server has no rollup '" + rollup + "', only " + names);
  }
  if (rollup.empty()) rollup = time_rollup(rollups);
  if (rollup.empty()) return;
  auto& points = page.viewers_by_time = viewers_by(call, page.options, rollup);
  if (points.size() > kMostPoints) points.erase(points.begin(), points.end() - kMostPoints);
}

void ask_goals(const Call& call, PageData& page) {
  for (const auto& goal : call({.method = "all_goals"})) {
    if (page.goals.size() == kMostGoals) {
      ++page.hidden_goals;
      continue;
    }
    GoalLine line{.name = goal.at(0), .value_type = goal.at(1)};
    const auto of_goal = named(page.options, {{"goal", line.name}});
    line.visitors = call({.method = "count", .named = of_goal}).get<std::int64_t>();
    line.value = call({.method = "goal_value", .named = of_goal});
    page.goals.push_back(std::move(line));
  }
}

/// The goals that most visitors reached, but for those that all reach.
json goals_of_splits(const PageData& page) {
  auto goals = page.goals;
  std::stable_sort(goals.begin(), goals.end(),
                   [](const auto& a, const auto& b) { return a.visitors > b.visitors; });
  auto names = json::array();
  for (const auto& goal : goals) {
    if (goal.name != kViewedPage && names.size() < kMostGoalsOfSplit) names.push_back(goal.name);
  }
  return names;
}

void ask_splits(const Call& call, PageData& page) {
  const auto goals = goals_of_splits(page);
  for (const auto& split : call({.method = "all_tests"})) {
    if (page.splits.size() == kMostSplits) {
      ++page.hidden_splits;
      continue;
    }
    const std::string name = split.at(0);
    const auto arguments = named(page.options, {{"test_name", name}, {"goals", goals}});
    const auto answer = call({.method = "split_results", .named = arguments});
    AnalysisOptions options;
    options.alpha = page.options.alpha;
    page.splits.push_back(analyse(read_split(name, answer), options));
  }
}

PageData ask_all(const Call& call, const PageOptions& options) {
  PageData page;
  page.options = options;
  const auto status = call({.method = "status"});
  page.version = status.at("version");
  for (const auto& [name, number] : status.at("tallies").items()) {
    page.tallies.emplace_back(name, number.get<std::int64_t>());
  }
  page.warnings = status.value("warnings", page.warnings);
  page.viewers = call({.method = "count", .named = named(options, {{"goal", kViewedPage}})});
  const auto rollups = status.value("rollups", Rollups{});
  ask_series(call, rollups, page);
  ask_sections(call, rollups, page);
  ask_goals(call, page);
  ask_splits(call, page);
  return page;
}

}  // namespace

PageData ask_page(const Call& call, const PageOptions& options) {
  try {
    return ask_all(call, options);
  } catch (const json::exception&) {
    throw DamageError("an answer of the server has an unknown shape");
  }
}

}  // namespace manhattan::report
