// SPDX-License-Identifier: MIT
#include "stats/quadrature.h"

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>

namespace manhattan::stats {

double integral(const std::function<double(double)>& f, double low, double high,
                std::vector<double> cuts) {
  if (!(low < high)) return 0;
  cuts.push_back(low);
  cuts.push_back(high);
  std::sort(cuts.begin(), cuts.end());
  double sum = 0;
  for (std::size_t i = 1; i < cuts.size(); ++i) {
    const double from = std::max(cuts[i - 1], low), to = std::min(cuts[i], high);
    if (from < to) sum += boost::math::quadrature::gauss<double, 30>::integrate(f, from, to);
  }
  return sum;
}

}  // namespace manhattan::stats
