// SPDX-License-Identifier: MIT
#include "report/split_text.h"

#include <algorithm>
#include <cmath>

#include "report/bars.h"
#include "report/conclusion.h"
#include "report/numbers.h"
#include "report/width.h"

namespace manhattan::report {
namespace {

using Kind = Column::Kind;

Unit unit_of(const GoalAnalysis& goal) {
  return goal.measure == Measure::rate ? Unit::percent : Unit::plain;
}

std::string level_of(const SplitAnalysis& analysis) {
  const double level = 100 * (1 - analysis.options.alpha);
  auto text = exact(level);
  if (text.size() > 4) text = shown(level, Unit::plain);
  return text + "% interval";
}

/// What happened: for the owner of the shop.
Table outcome_table(const SplitAnalysis& analysis, const GoalAnalysis& goal) {
  const bool is_rate = goal.measure == Measure::rate;
  Table table{{{"population"}, {"visitors", Kind::number}}, {}};
  if (is_rate) table.columns.push_back({"converted", Kind::number});
  for (const auto& name : {std::string(is_rate ? "rate" : "mean"), level_of(analysis),
                           std::string("lift"), level_of(analysis)}) {
    table.columns.push_back({name, Kind::number});
  }
  for (std::size_t i = 0; i < goal.arms.size(); ++i) {
    const auto& arm = goal.arms[i];
    const auto& population = analysis.counts.populations[i];
    const auto unit = unit_of(goal);
    std::vector<std::string> row{population.name, grouped(population.visitors)};
    if (is_rate) row.push_back(grouped(counts_of(analysis, goal, i).conversions.value_or(0)));
    row.push_back(or_none(arm.estimate, [&](const auto& e) { return shown(e.mean, unit); }));
    row.push_back(or_none(arm.interval, [&](const auto& range) { return shown(range, unit); }));
    const auto lift = [&](const auto& of) { return of ? signed_percent(*of) : kNone; };
    row.push_back(i == analysis.control ? "control"
                  : arm.comparison      ? lift(arm.comparison->lift)
                                        : kNone);
    row.push_back(i == analysis.control ? ""
                  : arm.comparison      ? lift(arm.comparison->lift_interval)
                                        : kNone);
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// What is too little to matter is no number to read.
std::string shown_loss(double loss, Unit unit) {
  return std::abs(loss) < 5e-5 ? shown(0, unit) : shown(loss, unit);
}

std::vector<std::string> evidence_row(const SplitAnalysis& analysis, const GoalAnalysis& goal,
                                      std::size_t i) {
  const auto& arm = goal.arms[i];
  const auto& comparison = arm.comparison;
  const auto unit = unit_of(goal);
  const auto mark = [&](const auto& value, auto show) -> std::string {
    return i == analysis.control ? "" : value ? show(*value) : kNone;
  };
  const auto p_value = comparison ? std::optional(comparison->p_value) : std::nullopt;
  const auto early = comparison && comparison->sequential
                         ? std::optional(comparison->sequential->interval)
                         : std::nullopt;
  return {analysis.counts.populations[i].name,
          mark(p_value, shown_p),
          mark(arm.holm_p, shown_p),
          mark(arm.holm_sequential_p, shown_p),
          mark(early, [&](const auto& range) { return shown(range, unit); }),
          or_none(arm.best, shown_chance),
          or_none(arm.loss, [&](double loss) { return shown_loss(loss, unit); }),
          shown(verdict_of(analysis, arm))};
}

Panel estimates_panel(const GoalAnalysis& goal) {
  const auto ends = axis_of(goal);
  const auto unit = unit_of(goal);
  Panel panel{goal.measure == Measure::rate ? "rate" : "mean",
              ends,
              shown(ends.low, unit),
              shown(ends.high, unit),
              std::nullopt,
              {}};
  for (const auto& arm : goal.arms)
    panel.lines.push_back({arm.interval, arm.estimate ? arm.estimate->mean : 0});
  return panel;
}

/// How far from the control; nothing where no lift has an interval that can be drawn.
std::optional<Panel> lifts_panel(const GoalAnalysis& goal) {
  Panel panel{.title = "lift", .ends = {}, .low = {}, .high = {}, .mark = 0, .lines = {}};
  for (const auto& arm : goal.arms) {
    auto& line = panel.lines.emplace_back();
    if (!arm.comparison || !arm.comparison->lift) continue;
    const auto& interval = arm.comparison->lift_interval;
    if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) continue;
    line = {interval, *arm.comparison->lift};
    panel.ends = {std::min(panel.ends.low, interval->low),
                  std::max(panel.ends.high, interval->high)};
  }
  if (panel.ends == stats::Interval{}) return std::nullopt;
  panel.low = signed_percent(panel.ends.low);
  panel.high = signed_percent(panel.ends.high);
  return panel;
}

/// The same intervals to look at.
std::string drawn_intervals(const SplitAnalysis& analysis, const GoalAnalysis& goal,
                            std::size_t width) {
  std::vector<std::string> names;
  for (const auto& population : analysis.counts.populations) names.push_back(population.name);
  std::vector<Panel> panels{estimates_panel(goal)};
  if (auto lifts = lifts_panel(goal)) panels.push_back(*std::move(lifts));
  auto text = ranges(names, panels, width);
  return text.empty() ? text : text + "\n";
}

/// How sure it is: for the statistician.
Table evidence_table(const SplitAnalysis& analysis, const GoalAnalysis& goal) {
  Table table{{{"population"},
               {"p", Kind::number},
               {"p Holm", Kind::number},
               {"p any time", Kind::number},
               {"difference any time", Kind::number},
               {"best", Kind::number},
               {"loss", Kind::number},
               {"verdict", Kind::number}},
              {}};
  for (std::size_t i = 0; i < goal.arms.size(); ++i) {
    table.rows.push_back(evidence_row(analysis, goal, i));
  }
  return table;
}

/// Populations alone, where no goal was named.
std::string visitors_text(const SplitAnalysis& analysis, const Style& style) {
  if (analysis.counts.populations.empty()) {
    const auto name = printable(analysis.counts.name);
    return wrapped("Nobody has been shown the split '" + name + "'.", style.width) + "\n";
  }
  Table table{{{"population"}, {"visitors", Kind::number}}, {}};
  for (const auto& population : analysis.counts.populations) {
    table.rows.push_back({population.name, grouped(population.visitors)});
  }
  return render(table, style);
}

std::string sentences_of(const SplitAnalysis& analysis, const GoalAnalysis& goal,
                         std::size_t width) {
  std::string text;
  for (std::size_t i = 0; i < goal.arms.size(); ++i) {
    if (i != analysis.control) text += wrapped(conclusion(analysis, goal, i), width) + "\n";
  }
  return text;
}

/// Goals with a value type whose squares the server does not keep (yet).
std::string missing_values(const SplitAnalysis& analysis, std::size_t width) {
  std::string text;
  if (analysis.counts.populations.empty()) return text;
  for (std::size_t i = 0; i < analysis.counts.goals.size(); ++i) {
    const auto& [name, type] = analysis.counts.goals[i];
    const auto& first = analysis.counts.populations[0].goals[i];
    if ((type != "S" && type != "A" && type != "I") || first.per_visitor) continue;
    text +=
        wrapped(printable(name) + ": value per visitor " + kNone + ", no squares were kept", width);
    text += '\n';
  }
  return text;
}

}  // namespace

std::string split_text(const SplitAnalysis& analysis, const Style& style) {
  std::string text;
  for (const auto& warning : warnings(analysis)) text += wrapped(warning, style.width) + "\n\n";
  for (const auto& goal : analysis.goals) {
    text += wrapped(title_of(analysis, goal), style.width) + "\n";
    text += sentences_of(analysis, goal, style.width) + "\n";
    text += render(outcome_table(analysis, goal), style) + "\n";
    text += drawn_intervals(analysis, goal, style.width);
    text += render(evidence_table(analysis, goal), style) + "\n";
  }
  if (analysis.goals.empty()) text += visitors_text(analysis, style) + "\n";
  text += missing_values(analysis, style.width);
  for (const auto& reason : left_out(analysis))
    text += wrapped("left out: " + reason, style.width) + "\n";
  while (text.ends_with("\n\n")) text.pop_back();
  constexpr std::size_t kUsualWidth = 80;
  const auto width = style.width == 0 ? kUsualWidth : style.width;
  if (!analysis.goals.empty()) text += "\n" + wrapped(legend(analysis.options.alpha), width) + "\n";
  return text;
}

}  // namespace manhattan::report
