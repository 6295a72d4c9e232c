// SPDX-License-Identifier: MIT
// What a program tells Manhattan in the headers of its answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/decimal.h"

namespace manhattan::http {

/// `Manhattan-Goal: Began Checkout; value=12.50; type=S; format=C`
struct GoalReport {
  std::string name;
  std::optional<Decimal> value;
  char type = 0;    ///< R, A, S, I; 0: not said
  char format = 0;  ///< N, C, P; 0: not said

  friend bool operator==(const GoalReport&, const GoalReport&) = default;
};

/// `Manhattan-Split: Blue Button; selected=True`
struct SplitReport {
  std::string name;
  std::string population;

  friend bool operator==(const SplitReport&, const SplitReport&) = default;
};

/// Nothing where the value of a header is no goal: no name, a value that is no number, a type or
/// format that is none, an attribute that is unknown. A `;` in a name needs the name in quotes.
std::optional<GoalReport> parse_goal(std::string_view text);

/// Likewise; `selected` must be there.
std::optional<SplitReport> parse_split(std::string_view text);

}  // namespace manhattan::http
