// SPDX-License-Identifier: MIT
#include "stats/multiple.h"

#include <algorithm>
#include <numeric>

namespace manhattan::stats {
namespace {

/// Places of the p values, the smallest first.
std::vector<std::size_t> by_size(const std::vector<double>& p_values) {
  std::vector<std::size_t> places(p_values.size());
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  return places;
}

}  // namespace

std::vector<double> holm(const std::vector<double>& p_values) {
  const auto places = by_size(p_values);
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto left = static_cast<double>(places.size() - i);
    largest = std::max(largest, left * p_values[places[i]]);
    adjusted[places[i]] = std::min(1.0, largest);
  }
  return adjusted;
}

std::vector<double> benjamini_hochberg(const std::vector<double>& p_values) {
  const auto places = by_size(p_values);
  const auto count = static_cast<double>(places.size());
  std::vector<double> adjusted(p_values.size());
  double smallest = 1;
  for (std::size_t i = places.size(); i-- > 0;) {
    smallest = std::min(smallest, p_values[places[i]] * count / static_cast<double>(i + 1));
    adjusted[places[i]] = smallest;
  }
  return adjusted;
}

std::vector<double> bonferroni(const std::vector<double>& p_values) {
  auto adjusted = p_values;
  const auto count = static_cast<double>(p_values.size());
  for (auto& p : adjusted) p = std::min(1.0, p * count);
  return adjusted;
}

}  // namespace manhattan::stats
