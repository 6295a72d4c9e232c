// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "stats/values.h"

namespace manhattan::report {

/// One goal under one population.
struct GoalCounts {
  std::optional<std::int64_t> conversions;  ///< absent: only values are known
  Decimal sum;
  Decimal value;
  std::optional<stats::Moments> per_visitor;      ///< where squares were kept
  std::optional<stats::PairMoments> per_session;  ///< of type I, where they were kept too
};

struct PopulationCounts {
  std::string name;
  std::int64_t visitors = 0;
  std::vector<GoalCounts> goals;  ///< as in SplitCounts
};

struct GoalName {
  std::string name;
  std::string value_type;  ///< R, A, S, I or empty
};

/// What was counted of one split test.
struct SplitCounts {
  std::string name;
  std::vector<GoalName> goals;
  std::vector<PopulationCounts> populations;
  std::optional<std::int64_t> without_pixel, in_several;  ///< visitors left out; in two populations
  std::optional<std::int64_t> first_at_s, last_at_s;
};

/// From the answer to split_results. DamageError where it is of another shape.
SplitCounts read_split(const std::string& name, const nlohmann::json& answer);

}  // namespace manhattan::report
