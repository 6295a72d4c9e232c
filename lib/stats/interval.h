// SPDX-License-Identifier: MIT
#pragma once

namespace manhattan::stats {

struct Interval {
  double low = 0;
  double high = 0;

  bool contains(double value) const noexcept { return low <= value && value <= high; }
  friend bool operator==(const Interval&, const Interval&) = default;
};

}  // namespace manhattan::stats
