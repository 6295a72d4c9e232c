// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace manhattan::visitor {

/// The number in [0, 1) that decides a visitor's population, bit for bit the original's:
/// random.Random(int(hex(visitor + test))).random() of CPython 2.7.
double population_draw(std::string_view visitor, std::string_view split);

struct Weighted {
  std::string name;
  double weight = 1;
};

/// `True` or `False`, each half of all visitors.
std::string choose_population(std::string_view visitor, std::string_view split);
/// One of `populations` (not empty), each alike.
std::string choose_population(std::string_view visitor, std::string_view split,
                              const std::vector<std::string>& populations);
/// One of `populations`, by weight; those of no weight, or less, are never chosen. ConfigError
/// where none has one or one is no number.
std::string choose_population(std::string_view visitor, std::string_view split,
                              std::vector<Weighted> populations);

}  // namespace manhattan::visitor
