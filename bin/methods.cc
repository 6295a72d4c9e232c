// SPDX-License-Identifier: MIT
#include "bin/methods.h"

#include <chrono>
#include <limits>

#include "query/arguments.h"

namespace manhattan::program {
namespace {

using backend::Answers;
using nlohmann::json;
using query::Arguments;
using query::Request;

// A question's time is bounded by what it may name.
constexpr std::size_t kMaxGoals = 1000, kMaxBuckets = 100'000;
constexpr std::int64_t kMaxLargest = 1000;

constexpr std::initializer_list<const char*> kSeriesArguments = {
    "goal", "variant", "rollup_key", "first", "last", "site_id", "largest"};

std::int32_t site_of(const Arguments& arguments) {
  constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
  const auto site = arguments.integer("site_id", 0, kMost);
  return site ? static_cast<std::int32_t>(*site) : count::kAllSites;
}

backend::Cell cell_of(const Arguments& arguments) {
  backend::Cell cell{.site = site_of(arguments)};
  if (auto variant = arguments.pair("variant")) {
    cell.variant = backend::Variant{std::move(variant->first), std::move(variant->second)};
  }
  cell.rollup = arguments.text("rollup_key").value_or(cell.rollup);
  return cell;
}

std::vector<std::string> goals_of(const Arguments& arguments) {
  auto goals = arguments.texts("goals");
  if (goals.size() > kMaxGoals) {
    throw query::Refusal("ArgumentError", "at most 1000 goals in one question");
  }
  for (const auto& goal : goals) {
    if (goal.empty()) throw query::Refusal("ArgumentError", "the name of a goal is empty");
  }
  return goals;
}

/// Whole seconds, rounded down, as the original counts time.
std::int64_t seconds_of(UnixNanos at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

std::string letter(char kind) { return kind == 0 ? std::string() : std::string(1, kind); }

json number_of(const backend::GoalValue& value, char value_type) {
  if (value_type == 0) return static_cast<std::int64_t>(value.to_double());  // a count
  return value.to_double();
}

json count(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments arguments(request, {"goal", "variant", "rollup_key", "bucket_id", "site_id"});
  auto cell = cell_of(arguments);
  cell.bucket = arguments.text_or_integer("bucket_id").value_or(cell.bucket);
  const auto goal = arguments.text("goal").value_or("");
  if (goal.empty() && !cell.variant) {
    throw query::Refusal("ArgumentError", "count() needs a goal or a variant");
  }
  return answers.count(goal, cell);
}

json goal_value(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments arguments(request,
                            {"goal", "variant", "rollup_key", "bucket_id", "site_id", "exact"});
  auto cell = cell_of(arguments);
  cell.bucket = arguments.text_or_integer("bucket_id").value_or(cell.bucket);
  const auto result = answers.goal_value(arguments.required_text("goal"), cell);
  if (arguments.flag("exact")) return result.value.to_decimal().to_string();
  return number_of(result.value, result.value_type);
}

json all_tests(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments none(request, {});
  auto tests = json::array();
  for (const auto& split : answers.all_tests()) {
    tests.push_back({split.name, seconds_of(split.first_at), seconds_of(split.last_at)});
  }
  return tests;
}

json all_goals(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments none(request, {});
  auto goals = json::array();
  for (const auto& goal : answers.all_goals()) {
    goals.push_back({goal.name, letter(goal.value_type), letter(goal.value_format)});
  }
  return goals;
}

json results(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments arguments(request, {"test_name", "goals", "site_id"});
  auto populations = json::object();
  const auto result = answers.results(arguments.required_text("test_name"), goals_of(arguments),
                                      site_of(arguments));
  for (const auto& population : result.populations) {
    auto values = json::array();
    for (const auto& goal : population.goals) {
      values.push_back(number_of(goal.value, goal.value_type));
    }
    populations[population.population] = std::move(values);
  }
  return populations;
}

json split_goal(const backend::GoalResult& goal) {
  json result = {{"goal", goal.goal},
                 {"value_type", letter(goal.value_type)},
                 {"conversions", goal.conversions},
                 {"sum", goal.sum.to_string()},
                 {"value", goal.value.to_decimal().to_string()}};
  if (goal.squares) result["squares"] = goal.squares->to_string();
  if (goal.viewers) result["sessions"] = *goal.viewers;
  return result;
}

json split_results(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments arguments(request, {"test_name", "goals", "site_id"});
  const auto split = answers.results(arguments.required_text("test_name"), goals_of(arguments),
                                     site_of(arguments));
  auto populations = json::array();
  for (const auto& result : split.populations) {
    auto goals = json::array();
    for (const auto& goal : result.goals) goals.push_back(split_goal(goal));
    populations.push_back({{"population", result.population},
                           {"visitors", result.visitors},
                           {"goals", std::move(goals)}});
  }
  const auto& info = split.info;
  return {{"populations", std::move(populations)},
          {"first", info ? json(seconds_of(info->first_at)) : json()},
          {"last", info ? json(seconds_of(info->last_at)) : json()},
          {"multi", split.visitors_in_several},
          {"left_out", {{"visitor_without_pixel", split.visitors_without_pixel}}}};
}

std::vector<backend::SeriesPoint> points_of(Answers& answers, const Arguments& arguments) {
  const auto cell = cell_of(arguments);
  const auto goal = arguments.text("goal").value_or("");
  if (goal.empty() && !cell.variant) {
    throw query::Refusal("ArgumentError", "series() needs a goal or a variant");
  }
  const auto first = arguments.text_or_integer("first"), last = arguments.text_or_integer("last");
  if (const auto most = arguments.integer("largest", 1, kMaxLargest)) {
    if (!first && !last) return answers.largest(goal, cell, static_cast<std::size_t>(*most));
    throw query::Refusal("ArgumentError", "series() takes 'largest' or bounds, not both");
  }
  auto points = answers.series(goal, cell, first.value_or(""), last.value_or(""), kMaxBuckets + 1);
  if (points.size() <= kMaxBuckets) return points;
  throw query::Refusal(
      "ArgumentError",
      "series() has more than 100000 buckets: give 'first' and 'last', or 'largest'");
}

json series(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments arguments(request, kSeriesArguments);
  auto points = json::array();
  for (const auto& point : points_of(answers, arguments)) {
    points.push_back(
        {point.bucket, point.count, point.sum.to_string(), point.value.to_decimal().to_string()});
  }
  return points;
}

json status(Answers& answers, const Request& request, const LiveNow& live_now) {
  const Arguments none(request, {});
  auto status = answers.status();
  auto live = live_now ? live_now() : Live();
  live.tallies.merge(status.tallies);
  return {{"version", MANHATTAN_VERSION},       {"pointer", status.pointer},
          {"tallies", std::move(live.tallies)}, {"warnings", std::move(status.warnings)},
          {"rollups", std::move(live.rollups)}, {"versions", std::move(live.versions)}};
}

json get_pointer(Answers& answers, const Request& request, const LiveNow&) {
  const Arguments none(request, {});
  const auto pointer = answers.pointer();
  return pointer.empty() ? json() : json(pointer);
}

using Method = json (*)(Answers&, const Request&, const LiveNow&);

const std::map<std::string, Method>& methods() {
  static const std::map<std::string, Method> all = {
      {"all_goals", all_goals},     {"all_tests", all_tests},         {"count", count},
      {"get_pointer", get_pointer}, {"goal_value", goal_value},       {"results", results},
      {"series", series},           {"split_results", split_results}, {"status", status},
  };
  return all;
}

}  // namespace

json answer(Answers& answers, const Request& request, const LiveNow& live_now) {
  const auto found = methods().find(request.method);
  if (found == methods().end()) {
    throw query::Refusal("MethodError", "no method " + json(request.method).dump());
  }
  return found->second(answers, request, live_now);
}

bool is_lengthy(const query::Request& request) {
  const auto& method = request.method;
  if (method == "results" || method == "split_results") {
    // A few goals are answered in the time that another thread takes to wake.
    constexpr std::size_t kFewGoals = 10;
    const auto named = request.named.find("goals");
    const auto count = named != request.named.end()   ? named->size()
                       : request.arguments.size() > 1 ? request.arguments[1].size()
                                                      : 0;
    return count > kFewGoals;
  }
  return method == "series" || method == "all_goals" || method == "all_tests";
}

bool is_short(const query::Request& request) {
  if (request.method != "series") return true;
  try {
    const Arguments arguments(request, kSeriesArguments);
    const auto first = arguments.text_or_integer("first");
    const auto last = arguments.text_or_integer("last");
    // Of hours and days, all of a month's.
    constexpr std::string_view kMonth = "2026-11";
    return arguments.integer("largest", 1, kMaxLargest) ||
           (first && last && first->substr(0, kMonth.size()) == last->substr(0, kMonth.size()));
  } catch (const query::Refusal&) {
    return true;
  }
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const auto& [name, method] : methods()) names.push_back(name);
  return names;
}

}  // namespace manhattan::program
