// SPDX-License-Identifier: MIT
// The normal and Student's t distribution, exact far out in the tails.
#pragma once

namespace manhattan::stats {

/// How probable a normal value is that is at least as far from 0 as `z`. By erfc: 1 - cdf would
/// be 0 from z = 8.3 on.
double two_sided_normal_p(double z) noexcept;
double normal_below(double z) noexcept;
double normal_density(double z) noexcept;
/// The z that leaves `upper` above it; 0 < upper < 1.
double normal_with_upper(double upper);
/// The z of a two-sided interval of level 1 - alpha.
double normal_critical(double alpha);

/// The same for Student's t; `dof` > 0 need not be whole.
double two_sided_student_p(double t, double dof);
double student_above(double t, double dof);
double student_with_upper(double upper, double dof);
double student_critical(double alpha, double dof);

}  // namespace manhattan::stats
