// SPDX-License-Identifier: MIT
// results and compare: the same statistics, of what a server counted or of what was typed.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "bin/query_names.h"
#include "bin/query_statistics.h"
#include "report/split_text.h"
#include "report/width.h"
#include "stats/bayes.h"

namespace manhattan::program {
namespace {

using nlohmann::json;
using report::Fields;
using report::Format;
using report::SplitAnalysis;
using report::Style;

std::string results_json(const SplitAnalysis& analysis) {
  Fields fields;
  fields.add_text("split", analysis.counts.name);
  fields.add_json("results", report::json_rows(split_rows(analysis)));
  Fields left_out;
  left_out.add_integer("visitor_without_pixel", analysis.counts.without_pixel.value_or(0));
  fields.add_json("left_out", left_out.to_json(1));
  fields.add("alpha", analysis.options.alpha);
  fields.add("planned", analysis.options.planned);
  const auto& multi = analysis.counts.in_several;
  fields.add_json("multi", multi ? std::to_string(*multi) : "null");
  fields.add_json(
      "srm", analysis.mismatch ? report::mismatch_fields(*analysis.mismatch).to_json(1) : "null");
  fields.add_json("comparisons", to_json(all_comparisons(analysis), 1));
  return fields.to_json() + "\n";
}

std::string shown(const SplitAnalysis& analysis, const Style& style) {
  if (style.format == Format::table) return split_text(analysis, style);
  return render(split_rows(analysis), style);
}

/// `A` to `Z`, then numbers.
std::string arm_name(std::size_t place) {
  return place < 26 ? std::string(1, static_cast<char>('A' + place)) : std::to_string(place + 1);
}

ConfigError no_arm(const std::string& text, const char* shape) {
  return ConfigError("arm '" + text + "' is not " + shape);
}

/// `560/10000`.
report::PopulationCounts rate_arm(const std::string& text) {
  const auto pieces = base::split(text, '/');
  if (pieces.size() != 2) throw no_arm(text, "CONVERTED/VISITORS");
  const auto converted = count_in("conversions", std::string(pieces[0]));
  const auto visitors = count_in("visitors", std::string(pieces[1]));
  if (visitors == 0) throw ConfigError("arm '" + text + "' has no visitors");
  if (converted > visitors)
    throw ConfigError("arm '" + text + "' has more conversions than visitors");
  report::GoalCounts goal;
  goal.conversions = converted;
  return {.name = {}, .visitors = visitors, .goals = {goal}};
}

Decimal decimal_in(const std::string& what, std::string_view text) {
  if (const auto number = Decimal::parse(text)) return *number;
  throw ConfigError(what + " '" + std::string(text) + "' is no number");
}

/// `3461:2422.7:134698.29`.
report::PopulationCounts value_arm(const std::string& text) {
  const auto pieces = base::split(text, ':');
  if (pieces.size() != 3) throw no_arm(text, "VISITORS:SUM:SQUARES");
  const auto visitors = count_in("visitors", std::string(pieces[0]));
  if (visitors < 2) throw ConfigError("arm '" + text + "' has fewer than two visitors");
  report::GoalCounts goal;
  goal.sum = goal.value = decimal_in("sum", pieces[1]);
  const auto squares = decimal_in("sum of squares", pieces[2]);
  const double sum = goal.sum.to_double();
  if (squares.to_double() * static_cast<double>(visitors) < sum * sum * (1 - 1e-9)) {
    throw ConfigError("arm '" + text + "' has squares too small for its sum");
  }
  goal.per_visitor = stats::moments_of(visitors, goal.sum, squares);
  return {.name = {}, .visitors = visitors, .goals = {goal}};
}

report::SplitCounts typed_counts(const Question& question) {
  report::SplitCounts counts;
  counts.name = "compare";
  counts.goals = {{"", ""}};
  for (const auto& operand : question.operands) {
    auto arm = question.has("value") ? value_arm(operand) : rate_arm(operand);
    arm.name = arm_name(counts.populations.size());
    counts.populations.push_back(std::move(arm));
  }
  return counts;
}

/// Whether b's lift surely stays above the margin.
Fields guardrail_fields(const SplitAnalysis& analysis, std::size_t arm, double margin) {
  const auto& goal = analysis.goals.front();
  const auto moments = [&](std::size_t i) {
    const auto& estimate = *goal.arms[i].estimate;
    const auto n = analysis.counts.populations[i].visitors;
    return stats::Moments{n, estimate.mean, estimate.variance * static_cast<double>(n)};
  };
  const auto a = moments(analysis.control), b = moments(arm);
  Fields fields;
  fields.add("margin", margin);
  if (!(a.mean > 0) || !(a.variance + b.variance > 0)) return fields;
  const auto result = stats::guardrail(a.estimate(), b.estimate(), margin, analysis.options.alpha,
                                       stats::welch_dof(a, b));
  fields.add("lift", result.lift);
  fields.add("se", result.se);
  fields.add("t", result.t);
  fields.add("p_value", result.p_value);
  fields.add("lower95", result.lower);
  fields.add_json("holds", result.holds(margin) ? "true" : "false");
  return fields;
}

void add_beliefs(const SplitAnalysis& analysis, Fields& fields) {
  std::vector<double> best, loss;
  for (const auto& arm : analysis.goals.front().arms) {
    if (!arm.best || !arm.loss) return;
    best.push_back(*arm.best);
    loss.push_back(*arm.loss);
  }
  fields.add("prob_best", best);
  fields.add("expected_loss", loss);
}

/// Two arms: one flat object. More: an object with an array of such.
std::string compare_json(const SplitAnalysis& analysis, std::optional<double> margin) {
  const auto& goal = analysis.goals.front();
  std::vector<Fields> comparisons;
  for (std::size_t i = 0; i < goal.arms.size(); ++i) {
    if (i == analysis.control) continue;
    Fields fields;
    fields.add_text("control", analysis.counts.populations[analysis.control].name);
    fields.add_text("population", analysis.counts.populations[i].name);
    fields.add_all(comparison_fields(analysis, goal, i));
    if (margin) fields.add_json("guardrail", guardrail_fields(analysis, i, *margin).to_json(1));
    comparisons.push_back(std::move(fields));
  }
  Fields fields;
  if (comparisons.size() == 1) fields = comparisons.front();
  add_beliefs(analysis, fields);
  if (comparisons.size() > 1) fields.add_json("comparisons", to_json(comparisons, 1));
  fields.add("alpha", analysis.options.alpha);
  fields.add("planned", analysis.options.planned.value_or(report::kUsualPlan));
  fields.add_json("srm", report::mismatch_fields(*analysis.mismatch).to_json(1));
  return fields.to_json() + "\n";
}

std::string guardrail_text(const SplitAnalysis& analysis, double margin, std::size_t width) {
  std::string text;
  for (std::size_t i = 0; i < analysis.goals.front().arms.size(); ++i) {
    if (i == analysis.control) continue;
    const auto fields = guardrail_fields(analysis, i, margin);
    const auto& last = fields.all().back();
    const bool holds = last.first == "holds" && last.second == "true";
    const auto* verb = holds ? "' surely stays" : "' may not stay";
    const auto& name = analysis.counts.populations[i].name;
    text += report::wrapped("guardrail: '" + name + verb + " above the margin", width) + "\n";
  }
  return text;
}

/// Nobody was shown the test, or no visitor reached one of the goals.
bool has_nothing(const json& answer) {
  const auto& populations = answer.at("populations");
  std::map<std::string, std::int64_t> conversions;
  for (const auto& population : populations) {
    for (const auto& goal : population.at("goals"))
      conversions[goal.at("goal")] += goal.at("conversions").get<std::int64_t>();
  }
  return populations.empty() ||
         std::ranges::any_of(conversions, [](const auto& goal) { return goal.second == 0; });
}

}  // namespace

std::string ask_results(Session& session, const Question& question, const Style& style) {
  need_operands(question, "TEST", 1, SIZE_MAX);
  const auto options = analysis_options(question);
  json named = {{"test_name", as_utf8(question.operands[0])}, {"goals", json::array()}};
  for (std::size_t i = 1; i < question.operands.size(); ++i) {
    named["goals"].push_back(as_utf8(question.operands[i]));
  }
  if (question.site) named["site_id"] = *question.site;
  const auto answer = session.call({.method = "split_results", .named = named});
  if (has_nothing(answer)) refuse_slips(session, named["test_name"], named["goals"]);
  const auto analysis = analyse(report::read_split(named["test_name"], answer), options);
  if (style.format == Format::json) return results_json(analysis);
  return shown(analysis, style);
}

std::string compare_arms(Session&, const Question& question, const Style& style) {
  need_operands(question, question.has("value") ? "VISITORS:SUM:SQUARES" : "CONVERTED/VISITORS", 2,
                100);
  const auto margin = question.number("margin", -1, 1);
  const auto analysis = analyse(typed_counts(question), analysis_options(question));
  if (style.format == Format::json) return compare_json(analysis, margin);
  auto text = shown(analysis, style);
  if (margin && style.format == Format::table)
    text += guardrail_text(analysis, *margin, style.width);
  return text;
}

}  // namespace manhattan::program
