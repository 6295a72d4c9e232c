// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>

namespace manhattan::stats {

/// Two-sided exact p of a discrete distribution with one peak on `first`..`last`: the share of the
/// outcomes that are no more probable than `observed`. `next_by_this(k)`: P(k + 1) / P(k), which
/// says all, so that no factorial loses digits.
double exact_two_sided_p(std::int64_t first, std::int64_t last, std::int64_t observed,
                         const std::function<double(std::int64_t)>& next_by_this);

}  // namespace manhattan::stats
