// SPDX-License-Identifier: MIT
// What the administrator of a program that can't be changed tells Manhattan about it. The grammar
// is in manhattan.conf(5).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/record.h"
#include "visitor/population.h"
#include "wrap/facts.h"

namespace manhattan::wrap {

/// `Order Placed; method=POST; path=/checkout; status=303; value=cookie.total; type=S`
struct GoalRule {
  std::string name;
  Conditions conditions;
  std::optional<Decimal> fixed_value;
  std::optional<Source> value_source;
  ValueType type = ValueType::none;
  ValueFormat format = ValueFormat::none;

  /// ConfigError naming what is wrong.
  static GoalRule parse(std::string_view text);
  /// Without a condition of its own on them: GET and POST, and answers below 400.
  bool holds(const Facts& facts) const;
  /// Nothing where it has none, or what stands at its source is no number.
  std::optional<Decimal> value(const Facts& facts) const;
};

/// `Blue Button; path=/item; population=control=3; population=blue=1; program.blue=/srv/item-blue`
struct SplitRule {
  std::string name;
  std::string variable;  ///< `MANHATTAN_SPLIT_BLUE_BUTTON`
  Conditions conditions;
  std::vector<visitor::Weighted> populations;  ///< none: True and False
  bool has_weights = false;
  std::map<std::string, std::string> programs;  ///< by population: what runs instead

  static SplitRule parse(std::string_view text);
  /// The same as Visitor::split() and manhattan-event(1) choose.
  std::string choose(std::string_view visitor) const;
};

/// Of several rules of one name, the first that fits a request is taken alone. ConfigError where
/// rules can't stand together: a rule that is never reached, for an earlier one of its name fits
/// all its requests; one name with other populations; two names that make one variable.
void check_splits(const std::vector<SplitRule>& splits);

}  // namespace manhattan::wrap
