// SPDX-License-Identifier: MIT
#include "stats/comparison.h"

#include <algorithm>
#include <cmath>

#include "stats/tails.h"

namespace manhattan::stats {
namespace {

/// `interval` as far as 0, where it does not hold it.
Interval reaching_zero(Interval interval) noexcept {
  return {std::min(interval.low, 0.0), std::max(interval.high, 0.0)};
}

void compare_sequentially(const Estimate& a, const Estimate& b, std::int64_t visitors,
                          const Rules& rules, Comparison& result) {
  result.sequential = sequential(result.diff, *result.se, visitors, rules.alpha, rules.planned);
  if (const auto found = fieller(a, b, result.sequential->multiplier)) {
    result.sequential_g = found->g;
    result.sequential_lift = found->interval;
  }
}

/// Differences and lifts of two estimates; p and intervals by the normal.
Comparison compare_estimates(const Estimate& a, const Estimate& b, std::int64_t visitors,
                             double critical, const Rules& rules) {
  Comparison result;
  result.diff = b.mean - a.mean;
  if (a.mean > 0) result.lift = b.mean / a.mean - 1;
  const double se = std::sqrt(a.variance + b.variance);
  if (!(se > 0)) return result;
  result.se = se;
  result.z = result.diff / se;
  result.interval = Interval{result.diff - critical * se, result.diff + critical * se};
  if (const auto found = fieller(a, b, critical)) {
    result.fieller_g = found->g;
    result.lift_interval = found->interval;
  }
  compare_sequentially(a, b, visitors, rules, result);
  return result;
}

/// A sequence rests on a variance that an arm of few visitors may not show at all.
void doubt_sequence(Comparison& result) {
  auto& sequence = *result.sequential;
  sequence.p_value = std::max(sequence.p_value, result.p_value);
  sequence.interval = reaching_zero(sequence.interval);
  if (result.sequential_lift) result.sequential_lift = reaching_zero(*result.sequential_lift);
}

/// Puts what holds for small cells in the place of the normal.
void compare_exactly(Proportion a, Proportion b, const Rules& rules, Comparison& result) {
  const double alpha = rules.alpha;
  result.exact_p = fisher_exact_p(a, b);
  result.interval = newcombe(a, b, normal_critical(alpha));
  const bool is_shown = *result.exact_p < alpha && !result.interval->contains(0);
  result.p_value = is_shown || *result.exact_p >= alpha ? *result.exact_p : newcombe_p(a, b);
  if (!is_shown) result.interval = reaching_zero(*result.interval);
  if (!is_shown && result.sequential) doubt_sequence(result);
  if (!result.lift_interval) return;
  if (!is_shown) result.lift_interval = reaching_zero(*result.lift_interval);
  if (is_shown && result.lift_interval->contains(0)) result.lift_interval.reset();
}

/// Two means of visitors, of given degrees of freedom.
Comparison compare_by_t(const Estimate& a, const Estimate& b, double dof, std::int64_t visitors,
                        const Rules& rules) {
  if (!(dof > 0)) return compare_estimates(a, b, visitors, 0, rules);  // no variance, so no t
  auto result = compare_estimates(a, b, visitors, student_critical(rules.alpha, dof), rules);
  result.dof = dof;
  result.p_value = two_sided_student_p(*result.z, dof);
  return result;
}

}  // namespace

Comparison compare(Proportion a, Proportion b, const Rules& rules) {
  auto result = compare_estimates(estimate_of(a), estimate_of(b), a.n + b.n,
                                  normal_critical(rules.alpha), rules);
  if (result.z) result.p_value = two_sided_normal_p(*result.z);
  if (has_small_cell(a, b)) compare_exactly(a, b, rules, result);
  return result;
}

Comparison compare(const Moments& a, const Moments& b, const Rules& rules) {
  return compare_by_t(a.estimate(), b.estimate(), welch_dof(a, b), a.n + b.n, rules);
}

}  // namespace manhattan::stats
