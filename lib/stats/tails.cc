// SPDX-License-Identifier: MIT
#include "stats/tails.h"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numbers>

namespace manhattan::stats {
namespace {

using Student = boost::math::students_t_distribution<double>;

}  // namespace

double two_sided_normal_p(double z) noexcept {
  return std::erfc(std::abs(z) / std::numbers::sqrt2);
}

double normal_below(double z) noexcept { return std::erfc(-z / std::numbers::sqrt2) / 2; }

double normal_density(double z) noexcept {
  return std::exp(-z * z / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

double normal_with_upper(double upper) {
  return boost::math::quantile(boost::math::complement(boost::math::normal(), upper));
}

double normal_critical(double alpha) { return normal_with_upper(alpha / 2); }

double two_sided_student_p(double t, double dof) { return 2 * student_above(std::abs(t), dof); }

double student_above(double t, double dof) {
  return boost::math::cdf(boost::math::complement(Student(dof), t));
}

double student_with_upper(double upper, double dof) {
  return boost::math::quantile(boost::math::complement(Student(dof), upper));
}

double student_critical(double alpha, double dof) { return student_with_upper(alpha / 2, dof); }

}  // namespace manhattan::stats
