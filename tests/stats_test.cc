// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE stats
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "stats/bayes.h"
#include "stats/lift.h"
#include "stats/multiple.h"
#include "stats/planning.h"
#include "stats/proportions.h"
#include "stats/ratio_mismatch.h"
#include "stats/sequential.h"
#include "stats/tails.h"
#include "stats/values.h"
#include "tests/support/statistics_case.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::stats;
using nlohmann::json;
using Case = tests::StatisticsCase;

namespace {

const double kZ = normal_critical(0.05);

Decimal decimal(const json& number) { return Decimal::parse(number.dump()).value(); }

Moments moments(const Case& c, const std::string& arm) {
  return moments_of(c.in(("n_" + arm).c_str()), decimal(c.in(("sum_" + arm).c_str())),
                    decimal(c.in(("sumsq_" + arm).c_str())));
}

PairMoments pair(const json& arm, const std::string& y, const std::string& x) {
  return moments_of(PairSums{arm.at("n"), decimal(arm.at("sum_" + y)),
                             decimal(arm.at("sumsq_" + y)), decimal(arm.at("sum_" + x)),
                             decimal(arm.at("sumsq_" + x)),
                             decimal(arm.at(y == "m" ? "sum_md" : "sum_xy"))});
}

void check_tests(const std::string& id) {
  const Case c(id);
  const auto a = c.arm("a"), b = c.arm("b");
  const auto unpooled = unpooled_test(a, b), pooled = pooled_test(a, b);
  c.is("p_a", a.rate());
  c.is("p_b", b.rate());
  c.is("diff", unpooled.diff);
  c.is("se_unpooled", unpooled.se);
  c.is("z_unpooled", unpooled.z);
  c.is("p_value_unpooled", unpooled.p_value);
  c.is("ci95_diff", Interval{unpooled.diff - kZ * unpooled.se, unpooled.diff + kZ * unpooled.se});
  c.is("se_pooled", pooled.se);
  c.is("z_pooled", pooled.z);
  c.is("p_value_pooled", pooled.p_value);
}

void check_sequential(const std::string& id) {
  const Case c(id);
  const auto a = c.arm("a"), b = c.arm("b");
  const auto z = unpooled_test(a, b);
  const double planned = c.in("tuning_N");
  const auto diff = sequential(z.diff, z.se, a.n + b.n, 0.05, planned);
  c.is("rho", diff.rho);
  c.is("diff", z.diff);
  c.is("halfwidth_diff", diff.half_width);
  c.is("cs_diff", diff.interval);
  c.is("p_value_diff", diff.p_value);
  c.is("multiplier_c", diff.multiplier);
  const double lift = b.rate() / a.rate() - 1;
  const auto relative =
      sequential(lift, delta_lift_se(estimate_of(a), estimate_of(b)), a.n + b.n, 0.05, planned);
  c.is("lift", lift);
  c.is("halfwidth_lift", relative.half_width);
  c.is("cs_lift", relative.interval);
  c.is("p_value_lift", relative.p_value);
  const auto by_fieller = fieller(estimate_of(a), estimate_of(b), diff.multiplier);
  c.is("fieller_g", by_fieller->g);
  BOOST_TEST(by_fieller->interval.has_value() == (by_fieller->g < 1));
  if (by_fieller->interval) c.is("fieller_cs_lift", *by_fieller->interval);
}

void check_bayes(const std::string& id) {
  const Case c(id);
  const auto a = c.arm("a"), b = c.arm("b");
  const std::vector arms{posterior_of(a), posterior_of(b)};
  const auto loss = expected_loss(arms);
  c.is("post_mean_a", arms[0].mean);
  c.is("post_mean_b", arms[1].mean);
  c.is("prob_b_beats_a", probability_best(arms)[1]);
  c.is("expected_loss_choose_a", loss[0]);
  c.is("expected_loss_choose_b", loss[1]);
  c.is("cred95_a", credible_rate(a, 0.05));
  c.is("cred95_b", credible_rate(b, 0.05));
  c.is("cred95_lift", credible_lift(a, b, 0.05));
}

void check_mismatch(const std::string& id) {
  const Case c(id);
  const auto result = ratio_mismatch(c.in("observed"), c.in("weights"));
  c.is("chi2", result.chi2);
  c.is("dof", result.dof);
  c.is("p_value", result.p_value);
  c.is("seq_ln_bayes_factor", result.log_bayes_factor);
  c.is("seq_p_value", result.sequential_p);
  c.is("binom_exact_p", result.binomial_p.value());
  BOOST_TEST(!result.is_alarm());
}

void check_multiple(const std::string& id) {
  const Case c(id);
  c.is("holm", holm(c.in("p")));
  c.is("bh", benjamini_hochberg(c.in("p")));
  c.is("bonferroni", bonferroni(c.in("p")));
}

}  // namespace

BOOST_AUTO_TEST_CASE(two_rates_are_compared_by_z) {
  check_tests("prop_z_1");
  check_tests("prop_z_3_huge_effect");
}

BOOST_AUTO_TEST_CASE(one_rate_has_the_intervals_of_wilson_and_of_clopper_and_pearson) {
  for (const Case& c : {Case("wilson_1"), Case("wilson_2_zero")}) {
    const Proportion p{c.in("n"), c.in("x")};
    c.is("wilson95", wilson(p, kZ));
    c.is("clopper_pearson95", clopper_pearson(p, 0.05));
  }
  BOOST_TEST(wilson({50, 50}, kZ).high == 1);
  BOOST_TEST(clopper_pearson({50, 50}, 0.05).high == 1);
}

BOOST_AUTO_TEST_CASE(small_counts_have_newcombes_interval_and_fishers_p) {
  for (const auto* id : {"newcombe_1", "newcombe_2_zero_arm"}) {
    const Case c(id);
    BOOST_TEST(has_small_cell(c.arm("a"), c.arm("b")));
    c.is("ci95_diff", newcombe(c.arm("a"), c.arm("b"), kZ));
    c.is("fisher_two_sided", fisher_exact_p(c.arm("a"), c.arm("b")));
    const double p = newcombe_p(c.arm("a"), c.arm("b"));
    BOOST_TEST(std::abs(newcombe(c.arm("a"), c.arm("b"), normal_critical(p)).low) < 1e-12);
  }
  BOOST_TEST(fisher_exact_p({10, 0}, {10, 0}) == 1);
  BOOST_TEST(fisher_exact_p({3, 3}, {3, 0}) == 0.1, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(newcombe_p({10, 1}, {10, 1}) == 1);
}

BOOST_AUTO_TEST_CASE(a_lift_has_the_intervals_of_fieller_delta_and_katz) {
  const Case c("lift_1");
  const auto a = c.arm("a"), b = c.arm("b");
  const auto ea = estimate_of(a), eb = estimate_of(b);
  const double lift = b.rate() / a.rate() - 1, se = delta_lift_se(ea, eb);
  c.is("lift", lift);
  c.is("se_delta", se);
  c.is("ci95_delta_normal", Interval{lift - kZ * se, lift + kZ * se});
  const auto of_visitors = [](Proportion p) {  // the case divides by n - 1, as for a mean
    const double n = static_cast<double>(p.n);
    return Moments{p.n, p.rate(), p.rate() * (1 - p.rate()) * n / n};
  };
  const double dof = welch_dof(of_visitors(a), of_visitors(b));
  c.is("welch_dof", dof);
  const double t = student_critical(0.05, dof);
  c.is("ci95_delta_welch_t", Interval{lift - t * se, lift + t * se});
  c.is("p_value_welch_t", two_sided_student_p(lift / se, dof));
  const auto by_fieller = fieller(ea, eb, kZ).value();
  c.is("fieller_g", by_fieller.g);
  c.is("ci95_fieller", by_fieller.interval.value());
  c.is("ci95_log_katz", katz(a, b, kZ));
  BOOST_TEST(!fieller(estimate_of(Proportion{100, 0}), eb, kZ).has_value());
  BOOST_TEST(!fieller(estimate_of(Proportion{100, 1}), eb, kZ)->interval.has_value());
}

BOOST_AUTO_TEST_CASE(a_value_goal_is_compared_by_welch) {
  const Case c("welch_1_growthbook_fixture");
  const auto a = moments(c, "a"), b = moments(c, "b");
  const auto t = welch(a, b, 0.05);
  c.is("mean_a", a.mean);
  c.is("mean_b", b.mean);
  c.is("var_a", a.variance);
  c.is("var_b", b.variance);
  c.is("diff", t.diff);
  c.is("se", t.se);
  c.is("t", t.t);
  c.is("dof", t.dof);
  c.is("p_value", t.p_value);
  c.is("ci95_diff", t.interval);
  const double lift = b.mean / a.mean - 1, se = delta_lift_se(a.estimate(), b.estimate());
  c.is("lift", lift);
  c.is("se_lift_delta", se);
  const auto by_fieller = fieller(a.estimate(), b.estimate(), t.critical).value();
  c.is("fieller_g", by_fieller.g);
  c.is("ci95_lift_fieller", by_fieller.interval.value());
  const double half = t.critical * se;
  c.is("ci95_lift_delta", Interval{lift - half, lift + half});
}

BOOST_AUTO_TEST_CASE(big_values_lose_nothing) {
  const Case c("numerics_merge_1");
  const auto sums = [](int from, int to) {
    __int128 sum = 0, squares = 0;
    for (int i = from; i < to; ++i) {
      const __int128 value = 1'000'000'000 + 7919 * i % 1000;
      sum += value;
      squares += value * value;
    }
    return std::pair(sum, squares);
  };
  const auto of = [&](int from, int to) {
    const auto [sum, squares] = sums(from, to);
    return moments_of_micros(to - from, sum, squares);
  };
  const auto all = of(0, 1000), first = of(0, 400), second = of(400, 1000);
  c.is("sum", static_cast<double>(sums(0, 1000).first));
  c.is("var_exact", all.variance * 1e12);
  c.is("shard1_mean", first.mean * 1e6);
  c.is("shard1_m2", first.variance * 399 * 1e12);
  c.is("shard2_mean", second.mean * 1e6);
  c.is("shard2_m2", second.variance * 599 * 1e12);
  c.is("chan_m2_total", merged(first, second).variance * 999 * 1e12);
  const auto decimals = moments_of(2, Decimal::from_integer(2'000'000'001),
                                   Decimal::parse("2000000002000000001").value());
  BOOST_TEST(decimals.variance == 0.5);
}

BOOST_AUTO_TEST_CASE(value_per_session_knows_its_covariance) {
  const Case c("ratio_1");
  const auto a = pair(c.in("a"), "m", "d"), b = pair(c.in("b"), "m", "d");
  const auto ra = ratio_of(a), rb = ratio_of(b);
  const double diff = rb.mean - ra.mean, se = std::sqrt(ra.variance + rb.variance);
  c.is("ratio_a", ra.mean);
  c.is("ratio_b", rb.mean);
  c.is("var_a", ratio_variance(a));
  c.is("var_b", ratio_variance(b));
  c.is("diff", diff);
  c.is("se", se);
  const double dof =
      welch_dof({a.n, ra.mean, ratio_variance(a)}, {b.n, rb.mean, ratio_variance(b)});
  const double t = student_critical(0.05, dof);
  c.is("p_value", two_sided_student_p(diff / se, dof));
  c.is("ci95_diff", Interval{diff - t * se, diff + t * se});
  const double lift = diff / ra.mean, lift_se = delta_lift_se(ra, rb);
  c.is("lift", lift);
  c.is("se_lift", lift_se);
  c.is("ci95_lift", Interval{lift - t * lift_se, lift + t * lift_se});
}

BOOST_AUTO_TEST_CASE(a_covariate_from_before_narrows_the_difference) {
  const Case c("cuped_1");
  const auto a = pair(c.in("a"), "y", "x"), b = pair(c.in("b"), "y", "x");
  const auto adjusted = without_covariate(a, b);
  const auto t = welch(adjusted.a, adjusted.b, 0.05);
  const auto raw = welch({a.n, a.mean_y, a.var_y}, {b.n, b.mean_y, b.var_y}, 0.05);
  c.is("theta", adjusted.theta);
  c.is("adj_mean_a", adjusted.a.mean);
  c.is("adj_mean_b", adjusted.b.mean);
  c.is("diff", t.diff);
  c.is("se", t.se);
  c.is("ci95_diff", t.interval);
  c.is("p_value", t.p_value);
  c.is("se_unadjusted", raw.se);
  c.is("variance_reduction", 1 - t.se * t.se / (raw.se * raw.se));
}

BOOST_AUTO_TEST_CASE(beta_posteriors_say_which_is_better) {
  check_bayes("bayes_1");
  check_bayes("bayes_3_zero");
}

BOOST_AUTO_TEST_CASE(of_many_arms_one_is_best) {
  const Case c("bayes_multi_1");
  std::vector<Posterior> arms;
  for (const auto& arm : c.in("arms")) arms.push_back(posterior_of(Proportion{arm["n"], arm["x"]}));
  c.is("prob_best", probability_best(arms));
  c.is("expected_loss", expected_loss(arms));
}

BOOST_AUTO_TEST_CASE(arms_of_very_different_sizes_still_add_up_to_one) {
  for (const Proportion wide : {Proportion{3, 1}, {1, 0}, {0, 0}, {20, 20}}) {
    const std::vector arms{posterior_of(wide), posterior_of(Proportion{10'000'000, 500'000}),
                           posterior_of(Proportion{9'000'000, 450'100})};
    double sum = 0;
    for (const double p : probability_best(arms)) sum += p;
    BOOST_TEST(sum == 1, boost::test_tools::tolerance(1e-10));
  }
  const auto of = [](double mean, double variance) {
    return posterior_of(Estimate{mean, variance});
  };
  const auto best = probability_best({of(0, 1), of(1, 1)});
  BOOST_TEST(best[1] == normal_below(1 / std::sqrt(2)), boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_value_goal_has_a_normal_posterior) {
  const Case c("bayes_gauss_1");
  const auto a = moments(c, "a").estimate(), b = moments(c, "b").estimate();
  const auto effect = relative_effect(a, b, 0.05);
  c.is("lift", effect.lift);
  c.is("sd", effect.sd);
  c.is("chance_to_win", effect.chance_to_win);
  c.is("cred95", effect.credible);
  c.is("expected_loss_choose_b", effect.loss_choosing_b);
  c.is("expected_loss_choose_a", effect.loss_choosing_a);
  const auto prior = with_prior(effect, 0.3, 0.05);
  c.is("prior_lift", prior.lift);
  c.is("prior_sd", prior.sd);
  c.is("prior_chance_to_win", prior.chance_to_win);
  c.is("prior_cred95", prior.credible);
}

BOOST_AUTO_TEST_CASE(one_may_look_early_at_a_confidence_sequence) {
  check_sequential("seq_1");
  check_sequential("seq_2_early");
}

BOOST_AUTO_TEST_CASE(the_mixture_test_of_two_equal_arms) {
  const Case c("msprt_1");
  const std::int64_t n = c.in("n_per_arm");
  const Proportion a{n, c.in("x_a")}, b{n, c.in("x_b")};
  const double variance = (a.variance() + b.variance()) * static_cast<double>(n);
  const auto test = mixture_test(b.rate() - a.rate(), variance, n, c.in("tau"), 0.05);
  c.is("likelihood_ratio", test.likelihood_ratio);
  c.is("p_value", test.p_value);
  c.is("cs95_diff", test.interval);
}

BOOST_AUTO_TEST_CASE(a_ratio_as_planned_is_no_mismatch) {
  check_mismatch("srm_1_ok");
  check_mismatch("srm_5_zero_weight_arm");
}

BOOST_AUTO_TEST_CASE(a_ratio_that_no_chance_explains_is_an_alarm) {
  BOOST_TEST(ratio_mismatch({5300, 4700}, {1, 1}).is_alarm());
  BOOST_TEST(!ratio_mismatch({4, 0}, {1, 1}).is_alarm());
  BOOST_TEST(ratio_mismatch({40, 0}, {1, 1}).is_alarm());
  BOOST_TEST(ratio_mismatch({500, 500, 1}, {1, 1, 0}).is_alarm());
  BOOST_TEST(!ratio_mismatch({0, 0}, {1, 1}).is_alarm());
  BOOST_TEST(!ratio_mismatch({1'000'000'000, 1'000'010'000}, {1, 1}).is_alarm());
}

BOOST_AUTO_TEST_CASE(several_p_values_are_adjusted) {
  check_multiple("multi_1");
  check_multiple("multi_2_ties");
  BOOST_TEST(holm({}).empty());
}

BOOST_AUTO_TEST_CASE(a_plan_says_how_many_visitors) {
  const Case rate("power_prop_1");
  const Plan plan{rate.in("alpha"), rate.in("power"), rate.in("ratio_b_to_a")};
  const double base = rate.in("base_rate"), lift = rate.in("relative_mde");
  const auto visitors = visitors_for_rate(base, lift, plan);
  rate.is("n_control_unpooled", visitors.unpooled);
  rate.is("n_control_pooled_h0", visitors.pooled);
  rate.is("n_control_ceil", std::ceil(visitors.unpooled));
  BOOST_TEST(detectable_lift(base, visitors.unpooled, plan) == lift,
             boost::test_tools::tolerance(1e-9));
  const Case mean("power_mean_1");
  const double sd = mean.in("sd"), delta = mean.in("delta");
  mean.is("n_normal", visitors_for_mean(sd, delta, {}));
  mean.is("n_t_exact", visitors_for_mean_by_t(sd, delta, {}));
  mean.is("mde_at_n5000", detectable_difference(sd, 5000, {}));
}

BOOST_AUTO_TEST_CASE(a_guardrail_bounds_the_loss_from_one_side) {
  const Case c("guardrail_1");
  const auto a = c.arm("a"), b = c.arm("b");
  const auto of_visitors = [](Proportion p) {
    return Moments{p.n, p.rate(), p.rate() * (1 - p.rate())};
  };
  const auto result = guardrail(estimate_of(a), estimate_of(b), c.in("margin"), 0.05,
                                welch_dof(of_visitors(a), of_visitors(b)));
  c.is("lift", result.lift);
  c.is("se", result.se);
  c.is("t", result.t);
  c.is("p_value", result.p_value);
  c.is("lower95", result.lower);
  BOOST_TEST(!result.holds(c.in("margin")));
}

BOOST_AUTO_TEST_CASE(tails_are_exact) {
  const Case c("tails_normal");
  std::vector<double> p;
  for (const double z : c.in("z")) p.push_back(two_sided_normal_p(z));
  c.is("p", p);
  const Case quantiles("t_quantiles");
  std::vector<double> t;
  for (const auto& pair : quantiles.in("p_dof")) {
    t.push_back(student_with_upper(1 - pair[0].get<double>(), pair[1]));
  }
  quantiles.is("t", t);
}

BOOST_AUTO_TEST_CASE(looking_often_raises_false_alarms_as_published) {
  const Case c("peeking_1");
  std::vector<double> alarms;
  for (const int looks : c.in("looks")) alarms.push_back(false_alarms_of_looking(looks, 0.05));
  c.is("published", alarms);
}

BOOST_AUTO_TEST_CASE(every_field_of_every_case_was_compared) {
  for (const auto& field : Case::not_compared()) BOOST_ERROR(field + " was not compared");
}
