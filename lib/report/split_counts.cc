// SPDX-License-Identifier: MIT
#include "report/split_counts.h"

#include "base/error.h"

namespace manhattan::report {
namespace {

using nlohmann::json;

/// A member that older servers do not send, or that is null.
template <class Value>
std::optional<Value> member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return found->get<Value>();
}

Decimal decimal(const json& object, const char* name) {
  const auto text = object.at(name).get<std::string>();
  const auto number = Decimal::parse(text);
  if (!number) throw DamageError("the server sent '" + text + "' for a number");
  return *number;
}

SquareSum squares_of(const json& goal) {
  const auto text = goal.at("squares").get<std::string>();
  const auto number = SquareSum::parse(text);
  if (!number) throw DamageError("the server sent '" + text + "' for a number");
  return *number;
}

/// Squares are kept of values in millionths.
__int128 micros_of(Decimal sum) {
  const __int128 half = sum.units() < 0 ? -500 : 500;
  return (sum.units() + half) / 1000;
}

/// Sessions are visitors who viewed a page, as in the value of a goal of type I: each is 0 or 1,
/// its own square, and whoever has a value viewed a page.
stats::PairMoments per_session(const GoalCounts& counts, SquareSum squares, std::int64_t visitors,
                               std::int64_t sessions) {
  const auto x = Decimal::from_integer(sessions);
  return moments_of(stats::PairSums{.n = visitors,
                                    .y = counts.sum,
                                    .yy = Decimal::from_units(squares.units() / 1000),
                                    .x = x,
                                    .xx = x,
                                    .xy = counts.sum});
}

GoalCounts goal_of(const json& goal, std::int64_t visitors) {
  GoalCounts counts{.conversions = goal.at("conversions").get<std::int64_t>(),
                    .sum = decimal(goal, "sum"),
                    .value = decimal(goal, "value"),
                    .per_visitor = {},
                    .per_session = {}};
  if (visitors <= 0 || !member<std::string>(goal, "squares")) return counts;
  const auto squares = squares_of(goal);
  counts.per_visitor = stats::moments_of_micros(visitors, micros_of(counts.sum), squares.units());
  const auto sessions = member<std::int64_t>(goal, "sessions");
  if (sessions) counts.per_session = per_session(counts, squares, visitors, *sessions);
  return counts;
}

SplitCounts read(const std::string& name, const json& answer) {
  SplitCounts split;
  split.name = name;
  for (const auto& population : answer.at("populations")) {
    PopulationCounts counts{.name = population.at("population"),
                            .visitors = population.at("visitors").get<std::int64_t>(),
                            .goals = {}};
    split.goals.clear();
    for (const auto& goal : population.at("goals")) {
      split.goals.push_back({goal.at("goal"), goal.at("value_type")});
      counts.goals.push_back(goal_of(goal, counts.visitors));
    }
    split.populations.push_back(std::move(counts));
  }
  split.without_pixel = member<std::int64_t>(answer.at("left_out"), "visitor_without_pixel");
  split.in_several = member<std::int64_t>(answer, "multi");
  split.first_at_s = member<std::int64_t>(answer, "first");
  split.last_at_s = member<std::int64_t>(answer, "last");
  return split;
}

}  // namespace

SplitCounts read_split(const std::string& name, const json& answer) {
  try {
    auto split = read(name, answer);
    for (const auto& population : split.populations) {
      if (population.goals.size() != split.goals.size()) throw DamageError("goals differ");
    }
    return split;
  } catch (const json::exception&) {
    throw DamageError("the server's answer about '" + name + "' has an unknown shape");
  }
}

}  // namespace manhattan::report
