// SPDX-License-Identifier: MIT
#include "report/page_data.h"

#include <algorithm>

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

/// Visitors who viewed a page, by bucket.
std::vector<PlotPoint> viewers_by(const Call& call, const PageOptions& options,
                                  const std::string& rollup) {
  std::vector<PlotPoint> points;
  const auto arguments = named(options, {{"goal", kViewedPage}, {"rollup_key", rollup}});
  for (const auto& point : call({.method = "series", .named = arguments})) {
    points.push_back({point.at(0), point.at(1).get<double>()});
  }
  return points;
}

std::vector<PlotPoint> most(std::vector<PlotPoint> points) {
  std::stable_sort(points.begin(), points.end(),
                   [](const auto& a, const auto& b) { return a.value > b.value; });
  if (points.size() > kMostBars) points.resize(kMostBars);
  return points;
}

void ask_goals(const Call& call, PageData& page) {
  for (const auto& goal : call({.method = "all_goals"})) {
    if (page.goals.size() == kMostGoals) {
      ++page.hidden_goals;
      continue;
    }
    GoalLine line{.name = goal.at(0), .value_type = goal.at(1), .value = {}};
    const auto of_goal = named(page.options, {{"goal", line.name}});
    line.visitors = call({.method = "count", .named = of_goal}).get<std::int64_t>();
    auto exactly = of_goal;
    exactly["exact"] = true;
    line.value = call({.method = "goal_value", .named = exactly});
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
  page.viewers = call({.method = "count", .named = named(options, {{"goal", kViewedPage}})});
  page.viewers_by_time = viewers_by(call, options, options.rollup);
  if (page.viewers_by_time.size() > kMostPoints) {
    page.viewers_by_time.erase(page.viewers_by_time.begin(),
                               page.viewers_by_time.end() - kMostPoints);
  }
  page.browsers = most(viewers_by(call, options, "browser"));
  page.referrers = most(viewers_by(call, options, "referrer"));
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
