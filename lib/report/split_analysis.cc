// SPDX-License-Identifier: MIT
#include "report/split_analysis.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "stats/bayes.h"
#include "stats/multiple.h"
#include "stats/tails.h"

namespace manhattan::report {
namespace {

using stats::Interval;
using stats::Moments;

std::size_t control_of(const SplitCounts& counts, const std::optional<std::string>& asked) {
  const auto& populations = counts.populations;
  const auto place_of = [&](auto matches) {
    return static_cast<std::size_t>(std::find_if(populations.begin(), populations.end(), matches) -
                                    populations.begin());
  };
  if (asked) {
    const auto at = place_of([&](const auto& each) { return each.name == *asked; });
    if (at == populations.size() && at > 0) {
      throw ConfigError("control '" + *asked + "' is no population of '" + counts.name + "'");
    }
    return at == populations.size() ? 0 : at;
  }
  for (const auto* usual : {"control", "false"}) {
    const auto at =
        place_of([&](const auto& each) { return base::equals_ignoring_case(each.name, usual); });
    if (at < populations.size()) return at;
  }
  return 0;
}

/// A population's value as moments of one visitor.
std::optional<Moments> moments_of(const GoalCounts& counts, Measure measure) {
  if (measure == Measure::per_visitor) return counts.per_visitor;
  const auto& pair = counts.per_session;
  if (!pair || !(pair->mean_x > 0)) return std::nullopt;
  return Moments{pair->n, pair->mean_y / pair->mean_x, stats::ratio_variance(*pair)};
}

ArmAnalysis rate_arm(const PopulationCounts& population, std::size_t goal, double alpha) {
  ArmAnalysis arm;
  const auto converted = population.goals[goal].conversions;
  if (!converted || population.visitors <= 0) return arm;
  // A complex goal taken back, or a goal on another site, must not make a rate above 1.
  arm.proportion = stats::Proportion{population.visitors,
                                     std::clamp<std::int64_t>(*converted, 0, population.visitors)};
  arm.estimate = stats::estimate_of(*arm.proportion);
  arm.interval = stats::wilson(*arm.proportion, stats::normal_critical(alpha));
  return arm;
}

ArmAnalysis value_arm(const GoalCounts& counts, Measure measure, double alpha) {
  ArmAnalysis arm;
  const auto moments = moments_of(counts, measure);
  if (!moments) return arm;
  arm.estimate = moments->estimate();
  if (moments->n < 2) return arm;
  const double half = stats::student_critical(alpha, static_cast<double>(moments->n - 1)) *
                      std::sqrt(arm.estimate->variance);
  arm.interval = Interval{arm.estimate->mean - half, arm.estimate->mean + half};
  return arm;
}

std::optional<stats::Comparison> compare(const SplitAnalysis& analysis, const GoalAnalysis& goal,
                                         std::size_t arm, const stats::Rules& rules) {
  const auto& a = goal.arms[analysis.control];
  const auto& b = goal.arms[arm];
  if (arm == analysis.control || !a.estimate || !b.estimate) return std::nullopt;
  if (goal.measure == Measure::rate) return stats::compare(*a.proportion, *b.proportion, rules);
  const auto ma = moments_of(counts_of(analysis, goal, analysis.control), goal.measure);
  const auto mb = moments_of(counts_of(analysis, goal, arm), goal.measure);
  if (ma->n < 2 || mb->n < 2) return std::nullopt;
  return stats::compare(*ma, *mb, rules);
}

/// Probability to be best and expected loss, where every arm has data.
void judge_arms(GoalAnalysis& goal) {
  std::vector<stats::Posterior> posteriors;
  for (const auto& arm : goal.arms) {
    if (!arm.estimate) return;
    const bool is_rate = goal.measure == Measure::rate;
    if (!is_rate && !(arm.estimate->variance > 0)) return;
    posteriors.push_back(is_rate ? stats::posterior_of(*arm.proportion)
                                 : stats::posterior_of(*arm.estimate));
  }
  if (posteriors.size() < 2) return;
  const auto best = stats::probability_best(posteriors);
  const auto loss = stats::expected_loss(posteriors);
  for (std::size_t i = 0; i < goal.arms.size(); ++i) {
    goal.arms[i].best = best[i];
    goal.arms[i].loss = loss[i];
  }
}

GoalAnalysis analyse_goal(const SplitAnalysis& analysis, std::size_t place, Measure measure,
                          const stats::Rules& rules) {
  GoalAnalysis goal{.goal = place, .measure = measure, .arms = {}};
  for (const auto& population : analysis.counts.populations) {
    goal.arms.push_back(measure == Measure::rate
                            ? rate_arm(population, place, rules.alpha)
                            : value_arm(population.goals[place], measure, rules.alpha));
  }
  for (std::size_t i = 0; i < goal.arms.size(); ++i) {
    goal.arms[i].comparison = compare(analysis, goal, i, rules);
  }
  judge_arms(goal);
  return goal;
}

/// Over all named goals x variants of one measure; the measures answer different questions.
void adjust(std::vector<GoalAnalysis>& goals, bool is_rate) {
  std::vector<ArmAnalysis*> arms;
  std::vector<double> p, sequential_p;
  for (auto& goal : goals) {
    for (auto& arm : goal.arms) {
      if (!arm.comparison || (goal.measure == Measure::rate) != is_rate) continue;
      arms.push_back(&arm);
      p.push_back(arm.comparison->p_value);
      const auto& sequential = arm.comparison->sequential;
      sequential_p.push_back(sequential ? sequential->p_value : 1);
    }
  }
  const auto holm = stats::holm(p), holm_sequential = stats::holm(sequential_p);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    arms[i]->holm_p = holm[i];
    if (arms[i]->comparison->sequential) arms[i]->holm_sequential_p = holm_sequential[i];
  }
}

std::optional<stats::RatioMismatch> mismatch_of(const SplitCounts& counts,
                                                std::vector<double> weights) {
  if (counts.populations.size() < 2) return std::nullopt;
  if (weights.empty()) weights.assign(counts.populations.size(), 1);
  if (weights.size() != counts.populations.size()) {
    throw ConfigError("there are " + std::to_string(weights.size()) + " weights for " +
                      std::to_string(counts.populations.size()) + " populations");
  }
  std::vector<std::int64_t> observed;
  for (const auto& population : counts.populations) observed.push_back(population.visitors);
  return stats::ratio_mismatch(observed, weights);
}

}  // namespace

SplitAnalysis analyse(SplitCounts counts, const AnalysisOptions& options) {
  SplitAnalysis analysis{
      .counts = std::move(counts), .options = options, .goals = {}, .mismatch = {}};
  analysis.control = control_of(analysis.counts, options.control);
  analysis.mismatch = mismatch_of(analysis.counts, options.weights);
  const stats::Rules rules{options.alpha, options.planned.value_or(kUsualPlan)};
  for (std::size_t i = 0; i < analysis.counts.goals.size(); ++i) {
    const bool has_value =
        std::any_of(analysis.counts.populations.begin(), analysis.counts.populations.end(),
                    [&](const auto& each) { return each.goals[i].per_visitor.has_value(); });
    const bool has_rate = analysis.counts.populations[0].goals[i].conversions.has_value();
    if (has_rate) analysis.goals.push_back(analyse_goal(analysis, i, Measure::rate, rules));
    if (!has_value) continue;
    const auto measure =
        analysis.counts.goals[i].value_type == "I" ? Measure::per_session : Measure::per_visitor;
    analysis.goals.push_back(analyse_goal(analysis, i, measure, rules));
  }
  adjust(analysis.goals, true);
  adjust(analysis.goals, false);
  return analysis;
}

stats::Interval axis_of(const GoalAnalysis& goal) {
  std::optional<stats::Interval> axis;
  for (const auto& arm : goal.arms) {
    if (!arm.interval) continue;
    if (!axis) axis = arm.interval;
    axis->low = std::min(axis->low, arm.interval->low);
    axis->high = std::max(axis->high, arm.interval->high);
  }
  if (!axis) return {};
  const double spare = 0.05 * (axis->high - axis->low);
  // None of what can't be: below 0, or a rate above 1.
  const double low = axis->low - spare, high = axis->high + spare;
  return {axis->low >= 0 ? std::max(low, 0.0) : low,
          goal.measure == Measure::rate ? std::min(high, 1.0) : high};
}

}  // namespace manhattan::report
