// SPDX-License-Identifier: MIT
// srm and sample-size: what may be known before anything was measured, or of visitors alone.
#include <cmath>

#include "base/error.h"
#include "bin/query_statistics.h"
#include "report/fields.h"
#include "report/numbers.h"
#include "report/split_text.h"
#include "stats/planning.h"

namespace manhattan::program {
namespace {

using report::Fields;
using report::Format;
using report::Style;
using Kind = report::Column::Kind;

/// One row of numbers in the format asked for; `text` for eyes.
std::string render_fields(const Fields& fields, const std::string& text, const Style& style) {
  if (style.format == Format::table) return text;
  if (style.format == Format::json) return fields.to_json() + "\n";
  report::Table table{{}, {{}}};
  for (const auto& [name, value] : fields.all()) {
    table.columns.push_back({name, Kind::number});
    table.rows[0].push_back(value == "null" ? "" : value);
  }
  return render(table, style);
}

double needed(const Question& question, const char* name, double least, double most) {
  const auto number = question.number(name, least, most);
  if (!number) throw ConfigError("'sample-size' needs --rate and --lift, or --sd and --delta");
  return *number;
}

stats::Plan plan_of(const Question& question) {
  stats::Plan plan;
  plan.alpha = question.number("alpha", 1e-9, 0.5).value_or(plan.alpha);
  plan.power = question.number("power", 0.01, 1 - 1e-9).value_or(plan.power);
  plan.ratio = question.number("ratio", 1e-3, 1e3).value_or(plan.ratio);
  return plan;
}

std::string visitors(double number) {
  return report::grouped(static_cast<std::int64_t>(std::ceil(std::min(number, 9e18))));
}

std::string power_of(const stats::Plan& plan) {
  return "power " + report::shortest(plan.power) + " at alpha " + report::shortest(plan.alpha);
}

std::string plan_rate(const Question& question, const Style& style) {
  const auto plan = plan_of(question);
  const double rate = needed(question, "rate", 1e-9, 1 - 1e-9);
  const double lift = needed(question, "lift", -1, 1e9);
  if (lift == 0 || rate * (1 + lift) > 1) {
    throw ConfigError("--lift '" + *question.text("lift") + "' makes no other rate of this one");
  }
  const auto result = visitors_for_rate(rate, lift, plan);
  Fields fields;
  fields.add("n_control_unpooled", result.unpooled);
  fields.add("n_control_pooled_h0", result.pooled);
  fields.add("n_control_ceil", std::ceil(result.unpooled));
  fields.add("n_treatment_ceil", std::ceil(result.unpooled * plan.ratio));
  auto text = "To see a lift of " + report::signed_percent(lift) + " on a rate of " +
              report::shown(rate, report::Unit::percent) + " with " + power_of(plan) + ":\n" +
              visitors(result.unpooled) + " visitors for the control, " +
              visitors(result.unpooled * plan.ratio) + " for each other population\n";
  if (const auto per_arm = question.number("visitors", 2, 1e15)) {
    const double smallest = detectable_lift(rate, *per_arm, plan);
    fields.add("mde", smallest);
    text += visitors(*per_arm) + " visitors for the control show a lift of " +
            report::signed_percent(smallest) + " or more\n";
  }
  return render_fields(fields, text, style);
}

std::string plan_value(const Question& question, const Style& style) {
  const auto plan = plan_of(question);
  const double sd = needed(question, "sd", 1e-12, 1e15);
  const double delta = std::abs(needed(question, "delta", -1e15, 1e15));
  if (delta == 0) throw ConfigError("--delta is 0: no number of visitors shows that");
  if (question.has("ratio")) throw ConfigError("--ratio goes with --rate");
  const double by_normal = visitors_for_mean(sd, delta, plan);
  const double by_t = by_normal < 1e9 ? visitors_for_mean_by_t(sd, delta, plan) : by_normal;
  Fields fields;
  fields.add("n_normal", by_normal);
  fields.add("n_t_exact", by_t);
  fields.add("n_ceil", std::ceil(by_t));
  auto text = "To see a difference of " + report::shown(delta, report::Unit::plain) +
              " in values that scatter by " + report::shown(sd, report::Unit::plain) + " with " +
              power_of(plan) + ":\n" + visitors(by_t) + " visitors for each population\n";
  if (const auto per_arm = question.number("visitors", 2, 1e15)) {
    const double smallest = detectable_difference(sd, *per_arm, plan);
    fields.add("mde", smallest);
    text += visitors(*per_arm) + " visitors each show a difference of " +
            report::shown(smallest, report::Unit::plain) + " or more\n";
  }
  return render_fields(fields, text, style);
}

}  // namespace

std::string check_ratio(Session&, const Question& question, const Style& style) {
  need_operands(question, "VISITORS", 2, 1000);
  std::vector<std::int64_t> observed;
  for (const auto& operand : question.operands) observed.push_back(count_in("visitors", operand));
  auto weights = analysis_options(question).weights;
  if (weights.empty()) weights.assign(observed.size(), 1);
  if (weights.size() != observed.size()) {
    throw ConfigError("--weights '" + *question.text("weights") + "' has " +
                      std::to_string(weights.size()) + " numbers for " +
                      std::to_string(observed.size()) + " populations");
  }
  const auto result = stats::ratio_mismatch(observed, weights);
  const auto text =
      std::string(result.is_alarm() ? "MISMATCH: no chance divides visitors like this"
                                    : "no mismatch: chance divides visitors like this") +
      "\nchi squared " + report::shown(result.chi2, report::Unit::plain) + ", p " +
      report::shown_p(result.p_value) + "; looked at any time, p " +
      report::shown_p(result.sequential_p) + "\n";
  return render_fields(report::mismatch_fields(result), text, style);
}

std::string plan_sample(Session&, const Question& question, const Style& style) {
  need_no_operands(question);
  const bool is_rate = question.has("rate") || question.has("lift");
  if (is_rate && (question.has("sd") || question.has("delta"))) {
    throw ConfigError("'sample-size' takes --rate and --lift, or --sd and --delta, not both");
  }
  return is_rate ? plan_rate(question, style) : plan_value(question, style);
}

}  // namespace manhattan::program
