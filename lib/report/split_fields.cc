// SPDX-License-Identifier: MIT
#include "report/conclusion.h"
#include "report/split_text.h"
#include "stats/bayes.h"
#include "stats/tails.h"

namespace manhattan::report {
namespace {

using stats::Interval;

void add_sequential(const stats::Comparison& comparison, Fields& fields) {
  const auto& sequential = comparison.sequential;
  const auto of = [&](double stats::Sequential::*member) {
    return sequential ? std::optional(*sequential.*member) : std::nullopt;
  };
  fields.add("rho", of(&stats::Sequential::rho));
  fields.add("multiplier_c", of(&stats::Sequential::multiplier));
  fields.add("halfwidth_diff", of(&stats::Sequential::half_width));
  fields.add("cs_diff", sequential ? std::optional(sequential->interval) : std::nullopt);
  fields.add("p_value_diff", of(&stats::Sequential::p_value));
  fields.add("fieller_g_sequential", comparison.sequential_g);
  fields.add("fieller_cs_lift", comparison.sequential_lift);
}

void add_comparison(const stats::Comparison& comparison, bool is_rate, Fields& fields) {
  fields.add("diff", comparison.diff);
  fields.add("se", comparison.se);
  fields.add(is_rate ? "z" : "t", comparison.z);
  if (!is_rate) fields.add("dof", comparison.dof);
  fields.add("p_value", comparison.p_value);
  fields.add("ci95_diff", comparison.interval);
  fields.add("lift", comparison.lift);
  fields.add("fieller_g", comparison.fieller_g);
  fields.add("lift_ci95_fieller", comparison.lift_interval);
  add_sequential(comparison, fields);
}

void add_z_tests(stats::Proportion a, stats::Proportion b, const stats::Comparison& comparison,
                 Fields& fields) {
  const auto unpooled = unpooled_test(a, b), pooled = pooled_test(a, b);
  fields.add("se_unpooled", unpooled.se);
  fields.add("z_unpooled", unpooled.z);
  fields.add("p_value_unpooled", unpooled.p_value);
  fields.add("se_pooled", pooled.se);
  fields.add("z_pooled", pooled.z);
  fields.add("p_value_pooled", pooled.p_value);
  fields.add("fisher_two_sided",
             comparison.exact_p ? comparison.exact_p : std::optional(fisher_exact_p(a, b)));
}

void add_arm(const std::string& suffix, stats::Proportion p, double alpha, Fields& fields) {
  fields.add_integer("n" + suffix, p.n);
  fields.add_integer("x" + suffix, p.x);
  fields.add("p" + suffix, p.rate());
  fields.add("wilson95" + suffix, std::optional(wilson(p, stats::normal_critical(alpha))));
  fields.add("clopper_pearson95" + suffix, std::optional(clopper_pearson(p, alpha)));
}

void add_beliefs(stats::Proportion a, stats::Proportion b, double alpha, Fields& fields) {
  const std::vector arms{stats::posterior_of(a), stats::posterior_of(b)};
  const auto loss = expected_loss(arms);
  fields.add("post_mean_a", arms[0].mean);
  fields.add("post_mean_b", arms[1].mean);
  fields.add("prob_b_beats_a", probability_best(arms)[1]);
  fields.add("expected_loss_choose_b", loss[1]);
  fields.add("expected_loss_choose_a", loss[0]);
  fields.add("cred95_a", std::optional(stats::credible_rate(a, alpha)));
  fields.add("cred95_b", std::optional(stats::credible_rate(b, alpha)));
  fields.add("cred95_lift", std::optional(stats::credible_lift(a, b, alpha)));
}

/// Variance of one visitor's value, of an estimate of `n`.
void add_mean(const std::string& suffix, std::int64_t n, const stats::Estimate& estimate,
              Fields& fields) {
  fields.add_integer("n" + suffix, n);
  fields.add("mean" + suffix, estimate.mean);
  fields.add("var" + suffix, estimate.variance * static_cast<double>(n));
}

void add_value_beliefs(const stats::Estimate& a, const stats::Estimate& b, double alpha,
                       Fields& fields) {
  if (!(a.mean > 0) || !(a.variance + b.variance > 0)) return;
  const auto effect = relative_effect(a, b, alpha), prior = with_prior(effect, 0.3, alpha);
  fields.add("sd", effect.sd);
  fields.add("chance_to_win", effect.chance_to_win);
  fields.add("cred95", std::optional(effect.credible));
  fields.add("expected_loss_choose_b", effect.loss_choosing_b);
  fields.add("expected_loss_choose_a", effect.loss_choosing_a);
  fields.add("prior_lift", prior.lift);
  fields.add("prior_sd", prior.sd);
  fields.add("prior_chance_to_win", prior.chance_to_win);
  fields.add("prior_cred95", std::optional(prior.credible));
}

const char* name_of(Measure measure) {
  return measure == Measure::rate          ? "rate"
         : measure == Measure::per_visitor ? "per_visitor"
                                           : "per_session";
}

}  // namespace

Fields comparison_fields(const SplitAnalysis& analysis, const GoalAnalysis& goal, std::size_t arm) {
  Fields fields;
  const auto& a = goal.arms[analysis.control];
  const auto& b = goal.arms[arm];
  const double alpha = analysis.options.alpha;
  const auto& populations = analysis.counts.populations;
  const bool is_rate = goal.measure == Measure::rate;
  if (is_rate && b.comparison) {
    add_arm("_a", *a.proportion, alpha, fields);
    add_arm("_b", *b.proportion, alpha, fields);
  } else if (b.comparison) {
    add_mean("_a", populations[analysis.control].visitors, *a.estimate, fields);
    add_mean("_b", populations[arm].visitors, *b.estimate, fields);
  }
  if (b.comparison) add_comparison(*b.comparison, is_rate, fields);
  if (b.comparison && is_rate) {
    add_z_tests(*a.proportion, *b.proportion, *b.comparison, fields);
    add_beliefs(*a.proportion, *b.proportion, alpha, fields);
  } else if (b.comparison) {
    add_value_beliefs(*a.estimate, *b.estimate, alpha, fields);
  }
  fields.add("p_value_holm", b.holm_p);
  fields.add("p_value_diff_holm", b.holm_sequential_p);
  fields.add_text("verdict", shown(verdict_of(analysis, b)));
  fields.add_text("conclusion", conclusion(analysis, goal, arm));
  return fields;
}

std::vector<Fields> all_comparisons(const SplitAnalysis& analysis) {
  std::vector<Fields> all;
  for (const auto& goal : analysis.goals) {
    for (std::size_t i = 0; i < goal.arms.size(); ++i) {
      if (i == analysis.control) continue;
      Fields fields;
      fields.add_text("goal", analysis.counts.goals[goal.goal].name);
      fields.add_text("measure", name_of(goal.measure));
      fields.add_text("control", analysis.counts.populations[analysis.control].name);
      fields.add_text("population", analysis.counts.populations[i].name);
      fields.add_all(comparison_fields(analysis, goal, i));
      all.push_back(std::move(fields));
    }
  }
  return all;
}

Fields mismatch_fields(const stats::RatioMismatch& mismatch) {
  Fields fields;
  fields.add("chi2", mismatch.chi2);
  fields.add("dof", mismatch.dof);
  fields.add("p_value", mismatch.p_value);
  fields.add("seq_ln_bayes_factor", mismatch.log_bayes_factor);
  fields.add("seq_p_value", mismatch.sequential_p);
  fields.add("binom_exact_p", mismatch.binomial_p);
  fields.add_json("alarm", mismatch.is_alarm() ? "true" : "false");
  return fields;
}

}  // namespace manhattan::report
