// SPDX-License-Identifier: MIT
#include "stats/sequential.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stats/tails.h"

namespace manhattan::stats {

Sequential sequential(double diff, double se, std::int64_t visitors, double alpha, double planned) {
  const auto n = static_cast<double>(visitors);
  const double log_alpha = -2 * std::log(alpha);
  Sequential result{.rho = std::sqrt((log_alpha + std::log(log_alpha + 1)) / planned),
                    .interval = {}};
  const double n_rho2 = n * result.rho * result.rho, root = std::sqrt(n_rho2 + 1);
  result.multiplier = std::sqrt(2 * (n_rho2 + 1) * std::log(root / alpha) / n_rho2);
  result.half_width = se * result.multiplier;
  const double z2 = diff / se * (diff / se);
  result.p_value = std::min(1.0, root * std::exp(-n_rho2 * z2 / (2 * (n_rho2 + 1))));
  result.interval = {diff - result.half_width, diff + result.half_width};
  return result;
}

MixtureTest mixture_test(double diff, double variance, std::int64_t per_arm, double tau,
                         double alpha) {
  const auto n = static_cast<double>(per_arm);
  const double mixture = variance + n * tau * tau, n_tau = n * tau;
  MixtureTest result;
  result.likelihood_ratio = std::sqrt(variance / mixture) *
                            std::exp(n_tau * n_tau * diff * diff / (2 * variance * mixture));
  result.p_value = std::min(1.0, 1 / result.likelihood_ratio);
  const double half = std::sqrt(variance * mixture / (n_tau * n_tau) *
                                (-2 * std::log(alpha) + std::log(mixture / variance)));
  result.interval = {diff - half, diff + half};
  return result;
}

// Armitage, McPherson and Rowe: the density of a random walk that has not yet left the band
// +-z sqrt(look), carried from look to look on a grid (Simpson's rule).
double false_alarms_of_looking(int looks, double alpha) {
  constexpr int kSteps = 400;
  const double z = normal_critical(alpha);
  std::vector<double> places{0}, weights{1};
  for (int look = 1; look <= looks; ++look) {
    const double edge = z * std::sqrt(look), step = 2 * edge / kSteps;
    std::vector<double> next_places, next_weights;
    for (int i = 0; i <= kSteps; ++i) {
      const double place = -edge + i * step;
      double density = 0;
      for (std::size_t j = 0; j < places.size(); ++j) {
        density += weights[j] * normal_density(place - places[j]);
      }
      const double simpson = i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2;
      next_places.push_back(place);
      next_weights.push_back(density * simpson * step / 3);
    }
    places.swap(next_places);
    weights.swap(next_weights);
  }
  double still_inside = 0;
  for (const double weight : weights) still_inside += weight;
  return 1 - still_inside;
}

}  // namespace manhattan::stats
