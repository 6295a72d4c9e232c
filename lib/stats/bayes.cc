// SPDX-License-Identifier: MIT
#include "stats/bayes.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <limits>

#include "stats/quadrature.h"
#include "stats/tails.h"

namespace manhattan::stats {
namespace {

constexpr double kTail = 1e-17;
// Tail probabilities where a distribution is cut for quadrature, from both sides.
constexpr double kCuts[] = {kTail, 1e-6, 0.02, 0.25};

struct Beta {
  double a, b;
  explicit Beta(Proportion p) noexcept
      : a(1 + static_cast<double>(p.x)), b(1 + static_cast<double>(p.n - p.x)) {}
  double below(double x) const { return x <= 0 ? 0 : x >= 1 ? 1 : boost::math::ibeta(a, b, x); }
  double density(double x) const {
    return x <= 0 || x >= 1 ? 0 : boost::math::ibeta_derivative(a, b, x);
  }
  double with_lower(double tail) const { return boost::math::ibeta_inv(a, b, tail); }
  double with_upper(double tail) const { return boost::math::ibetac_inv(a, b, tail); }
};

/// Places that leave kCuts below and above.
template <class Lower, class Upper>
std::vector<double> marks_of(Lower with_lower, Upper with_upper) {
  std::vector<double> marks;
  for (const double tail : kCuts) {
    marks.push_back(with_lower(tail));
    marks.push_back(with_upper(tail));
  }
  std::sort(marks.begin(), marks.end());
  return marks;
}

std::vector<double> all_marks(const std::vector<Posterior>& arms) {
  std::vector<double> marks;
  for (const auto& arm : arms) marks.insert(marks.end(), arm.marks.begin(), arm.marks.end());
  return marks;
}

/// The probability that all arms but `left_out` are below `x`.
double others_below(const std::vector<Posterior>& arms, std::size_t left_out, double x) {
  double product = 1;
  for (std::size_t j = 0; j < arms.size(); ++j) {
    if (j != left_out) product *= arms[j].below(x);
  }
  return product;
}

/// The effect's loss and chance, from its lift and sd.
void judge(RelativeEffect& effect, double alpha) {
  const double u = effect.lift / effect.sd;
  const double half = normal_critical(alpha) * effect.sd;
  effect.chance_to_win = normal_below(u);
  effect.credible = {effect.lift - half, effect.lift + half};
  effect.loss_choosing_b = effect.sd * normal_density(u) - effect.lift * normal_below(-u);
  effect.loss_choosing_a = effect.sd * normal_density(u) + effect.lift * normal_below(u);
}

}  // namespace

Posterior posterior_of(Proportion p) {
  const Beta beta(p);
  return {.mean = beta.a / (beta.a + beta.b),
          .density = [beta](double x) { return beta.density(x); },
          .below = [beta](double x) { return beta.below(x); },
          .marks = marks_of([&](double tail) { return beta.with_lower(tail); },
                            [&](double tail) { return beta.with_upper(tail); })};
}

Posterior posterior_of(const Estimate& estimate) {
  const double mean = estimate.mean, sd = std::sqrt(estimate.variance);
  return {.mean = mean,
          .density = [=](double x) { return normal_density((x - mean) / sd) / sd; },
          .below = [=](double x) { return normal_below((x - mean) / sd); },
          .marks = marks_of([&](double tail) { return mean - sd * normal_with_upper(tail); },
                            [&](double tail) { return mean + sd * normal_with_upper(tail); })};
}

Interval credible_rate(Proportion p, double alpha) {
  const Beta beta(p);
  return {beta.with_lower(alpha / 2), beta.with_upper(alpha / 2)};
}

Interval credible_lift(Proportion a, Proportion b, double alpha) {
  const auto of_a = posterior_of(a), of_b = posterior_of(b);
  // P(b / a <= exp(u)): the logarithm, for a ratio to a rate near 0 spans many powers of ten.
  const auto below = [&](double u) {
    const double ratio = std::exp(u);
    auto cuts = of_a.marks;
    for (const double mark : of_b.marks) cuts.push_back(mark / ratio);
    return integral([&](double x) { return of_a.density(x) * of_b.below(ratio * x); },
                    of_a.marks.front(), of_a.marks.back(), std::move(cuts));
  };
  const auto ratio_with = [&](double tail) {
    double low = std::log(of_b.marks.front() / of_a.marks.back());
    double high = std::log(of_b.marks.back() / of_a.marks.front());
    std::uintmax_t rounds = 100;
    const auto found =
        boost::math::tools::toms748_solve([&](double u) { return below(u) - tail; }, low, high,
                                          boost::math::tools::eps_tolerance<double>(45), rounds);
    return std::exp((found.first + found.second) / 2);
  };
  return {ratio_with(alpha / 2) - 1, ratio_with(1 - alpha / 2) - 1};
}

std::vector<double> probability_best(const std::vector<Posterior>& arms) {
  const auto cuts = all_marks(arms);
  std::vector<double> result;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const auto f = [&](double x) { return arms[i].density(x) * others_below(arms, i, x); };
    result.push_back(integral(f, arms[i].marks.front(), arms[i].marks.back(), cuts));
  }
  return result;
}

std::vector<double> expected_loss(const std::vector<Posterior>& arms) {
  const auto cuts = all_marks(arms);
  std::vector<double> result;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    double high = arms[i].marks.front();
    for (std::size_t j = 0; j < arms.size(); ++j) {
      if (j != i) high = std::max(high, arms[j].marks.back());
    }
    const auto f = [&](double x) { return arms[i].below(x) * (1 - others_below(arms, i, x)); };
    result.push_back(integral(f, arms[i].marks.front(), high, cuts));
  }
  return result;
}

RelativeEffect relative_effect(const Estimate& a, const Estimate& b, double alpha) {
  RelativeEffect effect{.lift = b.mean / a.mean - 1, .sd = delta_lift_se(a, b), .credible = {}};
  judge(effect, alpha);
  return effect;
}

RelativeEffect with_prior(const RelativeEffect& effect, double prior_sd, double alpha) {
  const double precision = 1 / (effect.sd * effect.sd);
  const double all = precision + 1 / (prior_sd * prior_sd);
  RelativeEffect result{
      .lift = effect.lift * precision / all, .sd = 1 / std::sqrt(all), .credible = {}};
  judge(result, alpha);
  return result;
}

}  // namespace manhattan::stats
