// SPDX-License-Identifier: MIT
#include "stats/ratio_mismatch.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "stats/exact_tail.h"

namespace manhattan::stats {
namespace {

// The prior of the sequential test is worth this many visitors.
constexpr double kConcentration = 100;
// Beyond, the exact sum takes too long and the normal is exact enough.
constexpr double kMostExact = 1e12;

struct Arm {
  double observed = 0;
  double share = 0;
};

/// Arms that should have visitors, with shares that add up to 1.
std::vector<Arm> weighted_arms(const std::vector<std::int64_t>& observed,
                               const std::vector<double>& weights) {
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<Arm> arms;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (weights[i] > 0) arms.push_back({static_cast<double>(observed[i]), weights[i] / all});
  }
  return arms;
}

double log_bayes_factor(const std::vector<Arm>& arms, double total) {
  // The terms nearly cancel: of many visitors, long double leaves enough digits.
  long double log_factor = std::lgamma(static_cast<long double>(kConcentration)) -
                           std::lgamma(static_cast<long double>(kConcentration + total));
  for (const auto& arm : arms) {
    const long double prior = kConcentration * arm.share;
    log_factor += std::lgamma(prior + arm.observed) - std::lgamma(prior);
    log_factor -= arm.observed * std::log(static_cast<long double>(arm.share));
  }
  return static_cast<double>(log_factor);
}

double binomial_p(const Arm& a, const Arm& b) {
  const auto n = static_cast<std::int64_t>(a.observed + b.observed);
  const auto next_by_this = [&](std::int64_t k) {
    return static_cast<double>(n - k) / static_cast<double>(k + 1) * (a.share / b.share);
  };
  return exact_two_sided_p(0, n, static_cast<std::int64_t>(a.observed), next_by_this);
}

}  // namespace

RatioMismatch ratio_mismatch(const std::vector<std::int64_t>& observed,
                             const std::vector<double>& weights) {
  const auto arms = weighted_arms(observed, weights);
  double total = 0;
  for (const auto& arm : arms) total += arm.observed;
  RatioMismatch result{.dof = static_cast<double>(arms.size()) - 1, .binomial_p = {}};
  result.least_expected = std::numeric_limits<double>::infinity();
  for (const auto& arm : arms) {
    const double expected = total * arm.share, off = arm.observed - expected;
    if (expected > 0) result.chi2 += off * off / expected;
    result.least_expected = std::min(result.least_expected, expected);
  }
  using Chi = boost::math::chi_squared_distribution<double>;
  result.p_value = boost::math::cdf(boost::math::complement(Chi(result.dof), result.chi2));
  result.log_bayes_factor = log_bayes_factor(arms, total);
  result.sequential_p = std::min(1.0, std::exp(-result.log_bayes_factor));
  if (arms.size() == 2 && total < kMostExact) result.binomial_p = binomial_p(arms[0], arms[1]);
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (weights[i] == 0 && observed[i] > 0) result.p_value = result.sequential_p = 0;
  }
  return result;
}

}  // namespace manhattan::stats
