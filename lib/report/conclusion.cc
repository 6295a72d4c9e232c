// SPDX-License-Identifier: MIT
#include "report/conclusion.h"

#include <cmath>

#include "report/numbers.h"
#include "report/width.h"
#include "stats/planning.h"

namespace manhattan::report {
namespace {

constexpr double kMostInSeveral = 0.01;  // of the visitors, before a verdict says so

double visitors_in(const SplitCounts& counts) {
  double sum = 0;
  for (const auto& population : counts.populations) sum += static_cast<double>(population.visitors);
  return sum;
}

bool is_planned_reached(const SplitAnalysis& analysis) {
  const auto& planned = analysis.options.planned;
  return planned && visitors_in(analysis.counts) >= *planned;
}

std::string name_of(const SplitAnalysis& analysis, std::size_t arm) {
  return "'" + printable(analysis.counts.populations[arm].name) + "'";
}

/// How long `more` visitors take at the pace so far; empty where the pace is unknown.
std::string time_for(const SplitCounts& counts, double more) {
  if (!counts.first_at_s || !counts.last_at_s) return {};
  const double days = static_cast<double>(*counts.last_at_s - *counts.first_at_s) / 86400;
  const double so_far = visitors_in(counts);
  if (days < 0.04 || so_far < 10) return {};  // an hour of a few visitors is no pace
  const double left = more / so_far * days;
  if (left > 3650) return ", more than ten years at this pace";
  const auto whole = static_cast<std::int64_t>(std::ceil(left));
  return ", about " + grouped(whole) + (whole == 1 ? " day" : " days") + " at this pace";
}

/// Visitors of all populations at which the lift seen, if it is the truth, would show.
std::optional<double> needed_for(const SplitAnalysis& analysis, const GoalAnalysis& goal,
                                 std::size_t arm) {
  const auto& a = goal.arms[analysis.control];
  const auto& comparison = goal.arms[arm].comparison;
  if (!comparison || !comparison->se || !comparison->lift) return std::nullopt;
  if (a.proportion && (*comparison->lift == 0 || comparison->diff + a.estimate->mean <= 0)) {
    return std::nullopt;
  }
  // The standard error shrinks with the root of the visitors: z of 2.8 gives a power of 80%.
  const stats::Plan plan{.alpha = analysis.options.alpha};
  const double unit = stats::visitors_for_mean(1, 1, plan) / 2;  // (z + z)^2
  const double z2 = *comparison->z * *comparison->z;
  if (!(z2 > 0)) return std::nullopt;
  return visitors_in(analysis.counts) * unit / z2;
}

/// The lift, or the difference where the control has too little to be a part of.
std::string range_of(const GoalAnalysis& goal, std::size_t arm, bool is_sequential) {
  const auto& comparison = *goal.arms[arm].comparison;
  const auto& lift = is_sequential ? comparison.sequential_lift : comparison.lift_interval;
  const std::string how = is_sequential ? " (at any time)" : "";
  if (lift) return signed_percent(*lift) + how;
  auto difference = comparison.interval;
  if (is_sequential && comparison.sequential) difference = comparison.sequential->interval;
  if (!difference) return "an unknown amount";
  if (goal.measure != Measure::rate) return shown(*difference, Unit::plain) + how;
  const stats::Interval points{difference->low * 100, difference->high * 100};
  return shown(points, Unit::plain) + " percentage points" + how;
}

std::string go_on(const SplitAnalysis& analysis, const GoalAnalysis& goal, std::size_t arm) {
  const double so_far = visitors_in(analysis.counts);
  if (const auto& planned = analysis.options.planned; planned && *planned > so_far) {
    const auto more = *planned - so_far;
    return "go on for the " + grouped(static_cast<std::int64_t>(std::ceil(more))) +
           " visitors that are left of the plan" + time_for(analysis.counts, more);
  }
  const auto needed = needed_for(analysis, goal, arm);
  if (!needed || *needed > 1e12) return "go on";
  if (*needed <= so_far) return "go on until the sequential interval leaves 0 out";
  const double more = *needed - so_far;
  return "if " + signed_percent(*goal.arms[arm].comparison->lift) + " is the truth, some " +
         grouped(static_cast<std::int64_t>(std::ceil(more))) + " more visitors would show it" +
         time_for(analysis.counts, more);
}

std::string shown_difference(const SplitAnalysis& analysis, const GoalAnalysis& goal,
                             std::size_t arm, bool is_better) {
  const auto& judged = goal.arms[arm];
  const bool is_sequential = judged.holm_sequential_p.value_or(1) < analysis.options.alpha &&
                             !is_planned_reached(analysis);
  return name_of(analysis, arm) + (is_better ? " is better" : " is worse") + " than " +
         name_of(analysis, analysis.control) + ", by " + range_of(goal, arm, is_sequential);
}

}  // namespace

Verdict verdict_of(const SplitAnalysis& analysis, const ArmAnalysis& arm) {
  if (!arm.comparison) return Verdict::unknown;
  const double alpha = analysis.options.alpha;
  const bool is_shown = arm.holm_p.value_or(1) < alpha;
  const bool is_shown_early = is_shown && arm.holm_sequential_p.value_or(1) < alpha;
  const bool is_over = is_planned_reached(analysis);
  if (is_shown_early || (is_shown && is_over)) {
    return arm.comparison->diff > 0 ? Verdict::better : Verdict::worse;
  }
  if (is_shown) return analysis.options.planned ? Verdict::too_early : Verdict::if_over;
  return is_over ? Verdict::nothing : Verdict::go_on;
}

std::string shown(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    case Verdict::too_early:
      return "too early";
    case Verdict::if_over:
      return "if over";
    case Verdict::nothing:
      return "no difference";
    case Verdict::go_on:
      return "go on";
    case Verdict::unknown:
      break;
  }
  return "";
}

std::string conclusion(const SplitAnalysis& analysis, const GoalAnalysis& goal, std::size_t arm) {
  const auto& judged = goal.arms[arm];
  const auto name = name_of(analysis, arm), control = name_of(analysis, analysis.control);
  const auto verdict = verdict_of(analysis, judged);
  switch (verdict) {
    case Verdict::better:
    case Verdict::worse:
      return shown_difference(analysis, goal, arm, verdict == Verdict::better) +
             ": the test may end.";
    case Verdict::too_early:
      return name + " looks " + (judged.comparison->diff > 0 ? "better" : "worse") + " than " +
             control + ", but it is too early to stop: " + go_on(analysis, goal, arm) + ".";
    case Verdict::if_over:
      return shown_difference(analysis, goal, arm, judged.comparison->diff > 0) +
             ", if the test was planned to end now; if not, go on until p at any time is below " +
             shortest(analysis.options.alpha) + ".";
    case Verdict::nothing:
      return "No difference between " + name + " and " + control + " is shown; changes outside " +
             range_of(goal, arm, false) + " are ruled out.";
    case Verdict::go_on:
      return "Nothing is shown of " + name + " yet: " + go_on(analysis, goal, arm) + ".";
    case Verdict::unknown:
      break;
  }
  return "There is not enough data to compare " + name + " with " + control + ".";
}

std::vector<std::string> warnings(const SplitAnalysis& analysis) {
  std::vector<std::string> result;
  const auto& mismatch = analysis.mismatch;
  if (mismatch && mismatch->is_alarm()) {
    result.push_back("Sample ratio mismatch: no chance divides visitors like this (p = " +
                     shown_p(std::min(mismatch->p_value, mismatch->sequential_p)) +
                     "); trust nothing below before that is explained" +
                     (analysis.options.weights.empty()
                          ? ", or give --weights if the populations were not meant to be equal."
                          : "."));
  }
  const auto in_several = analysis.counts.in_several.value_or(0);
  const double all = visitors_in(analysis.counts);
  if (all > 0 && static_cast<double>(in_several) > kMostInSeveral * all) {
    result.push_back(grouped(in_several) + " visitors were shown more than one population and " +
                     "count under each: differences look smaller than they are.");
  }
  return result;
}

std::vector<std::string> left_out(const SplitAnalysis& analysis) {
  std::vector<std::string> result;
  if (const auto& count = analysis.counts.without_pixel) {
    result.push_back(grouped(*count) + " visitors whose pixel never came, of all splits and sites");
  }
  if (const auto& count = analysis.counts.in_several) {
    result.push_back("multi: " + grouped(*count) +
                     " visitors in more than one population, counted in each");
  }
  return result;
}

std::string legend(double alpha) {
  return "Intervals hold the truth " + shortest(100 * (1 - alpha)) +
         " times in 100. lift: how far above the control. "
         "p: how often chance alone would show such a difference; Holm: among all that was asked; "
         "any time: however often you look. best: the chance to be the best of all; "
         "loss: what choosing it costs on average if it is not.";
}

std::string title_of(const SplitAnalysis& analysis, const GoalAnalysis& goal) {
  const auto name = printable(analysis.counts.goals[goal.goal].name);
  const std::string prefix = name.empty() ? "" : name + ": ";
  switch (goal.measure) {
    case Measure::per_visitor:
      return prefix + "value per visitor";
    case Measure::per_session:
      return prefix + "value per session";
    case Measure::rate:
      break;
  }
  return prefix + "visitors who converted";
}

}  // namespace manhattan::report
