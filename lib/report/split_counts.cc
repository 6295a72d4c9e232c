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

/// A whole number of up to 38 digits.
__int128 whole(const json& object, const char* name) {
  const auto text = object.at(name).get<std::string>();
  const bool is_negative = text.starts_with('-');
  const auto digits = text.substr(is_negative ? 1 : 0);
  if (digits.empty() || digits.size() > 38 || digits.find_first_not_of("0123456789") != text.npos) {
    throw DamageError("the server sent '" + text + "' for a whole number");
  }
  __int128 number = 0;
  for (const char digit : digits) number = number * 10 + (digit - '0');
  return is_negative ? -number : number;
}

/// Millionths to a Decimal; so many places are enough for what is divided by pages.
Decimal from_micros(__int128 micros) { return Decimal::from_units(micros * 1000); }

/// Sums of pages viewed, and of their products with the values.
stats::PairMoments per_session(const json& goal, std::int64_t visitors) {
  return moments_of(
      stats::PairSums{.n = visitors,
                      .y = from_micros(whole(goal, "sum_micros")),
                      .yy = Decimal::from_units(whole(goal, "squares_micros") / 1000),
                      .x = Decimal::from_integer(goal.at("pages").get<std::int64_t>()),
                      .xx = Decimal::from_integer(goal.at("pages_squares").get<std::int64_t>()),
                      .xy = from_micros(whole(goal, "products_micros"))});
}

GoalCounts goal_of(const json& goal, std::int64_t visitors) {
  GoalCounts counts{.conversions = goal.at("conversions").get<std::int64_t>(),
                    .sum = decimal(goal, "sum"),
                    .value = decimal(goal, "value"),
                    .per_visitor = {},
                    .per_session = {}};
  if (visitors <= 0 || !member<std::string>(goal, "squares_micros")) return counts;
  counts.per_visitor =
      stats::moments_of_micros(visitors, whole(goal, "sum_micros"), whole(goal, "squares_micros"));
  const bool has_pages = member<std::int64_t>(goal, "pages").has_value();
  if (has_pages) counts.per_session = per_session(goal, visitors);
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
