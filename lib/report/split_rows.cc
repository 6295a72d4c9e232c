// SPDX-License-Identifier: MIT
#include "report/conclusion.h"
#include "report/split_text.h"

namespace manhattan::report {
namespace {

using Kind = Column::Kind;
using Row = std::vector<std::string>;

std::string cell(const std::optional<double>& number) {
  return number && exact(*number) != "null" ? exact(*number) : "";
}

void add_interval(const std::optional<stats::Interval>& interval, Row& row) {
  row.push_back(interval ? cell(interval->low) : "");
  row.push_back(interval ? cell(interval->high) : "");
}

/// The statistics of one arm, in the order of statistic_columns().
void add_statistics(const ArmAnalysis& arm, Row& row) {
  add_interval(arm.interval, row);
  const auto comparison = arm.comparison.value_or(stats::Comparison{});
  row.push_back(cell(comparison.lift));
  add_interval(comparison.lift_interval, row);
  row.push_back(arm.comparison ? cell(comparison.p_value) : "");
  row.push_back(cell(arm.holm_p));
  row.push_back(comparison.sequential ? cell(comparison.sequential->p_value) : "");
  row.push_back(cell(arm.best));
  row.push_back(cell(arm.loss));
}

std::vector<Column> statistic_columns(const std::string& of, Kind kind) {
  std::vector<Column> columns{{of + "_low", kind}, {of + "_high", kind}};
  const std::string prefix = of == "mean" ? "mean_" : "";
  for (const auto* name : {"lift", "lift_low", "lift_high", "p_value", "p_value_holm",
                           "p_value_sequential", "prob_best", "expected_loss"}) {
    columns.push_back({prefix + name, Kind::number});
  }
  return columns;
}

/// The analysis of `goal` by rate, or by value.
const GoalAnalysis* find(const SplitAnalysis& analysis, std::size_t goal, bool is_rate) {
  for (const auto& each : analysis.goals) {
    if (each.goal == goal && (each.measure == Measure::rate) == is_rate) return &each;
  }
  return nullptr;
}

Row row_of(const SplitAnalysis& analysis, std::size_t arm, std::size_t goal) {
  const auto& population = analysis.counts.populations[arm];
  const auto& counts = population.goals[goal];
  Row row{population.name, analysis.counts.goals[goal].name, std::to_string(population.visitors),
          counts.conversions ? std::to_string(*counts.conversions) : ""};
  const auto *rate = find(analysis, goal, true), *mean = find(analysis, goal, false);
  const auto of_rate = rate ? rate->arms[arm] : ArmAnalysis{};
  const auto of_mean = mean ? mean->arms[arm] : ArmAnalysis{};
  row.push_back(of_rate.estimate ? cell(of_rate.estimate->mean) : "");
  row.push_back(counts.value.to_string());
  add_statistics(of_rate, row);
  row.push_back(of_mean.estimate ? cell(of_mean.estimate->mean) : "");
  add_statistics(of_mean, row);
  row.push_back(arm == analysis.control ? "control"
                                        : shown(verdict_of(analysis, mean ? of_mean : of_rate)));
  return row;
}

}  // namespace

Table split_rows(const SplitAnalysis& analysis) {
  Table table{{{"population"},
               {"goal"},
               {"visitors", Kind::number},
               {"conversions", Kind::number},
               {"rate", Kind::ratio},
               {"value", Kind::number}},
              {}};
  const auto add = [&](const std::vector<Column>& columns) {
    table.columns.insert(table.columns.end(), columns.begin(), columns.end());
  };
  add(statistic_columns("rate", Kind::number));
  add({{"mean", Kind::number}});
  add(statistic_columns("mean", Kind::number));
  add({{"verdict"}});
  for (std::size_t i = 0; i < analysis.counts.populations.size(); ++i) {
    const auto& population = analysis.counts.populations[i];
    for (std::size_t j = 0; j < population.goals.size(); ++j) {
      table.rows.push_back(row_of(analysis, i, j));
    }
    if (!population.goals.empty()) continue;
    Row row(table.columns.size());
    row[0] = population.name;
    row[2] = std::to_string(population.visitors);
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace manhattan::report
