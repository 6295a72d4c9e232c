// SPDX-License-Identifier: MIT
#include "http/report.h"

#include <utility>

#include "base/text.h"
#include "http/pieces.h"

namespace manhattan::http {
namespace {

/// The letter that `text` is, where it is one of `letters`.
std::optional<char> letter_of(std::string_view text, std::string_view letters) noexcept {
  if (text.size() != 1 || letters.find(text[0]) == letters.npos) return {};
  return text[0];
}

bool apply(const std::pair<std::string, std::string>& attribute, GoalReport& goal) {
  const auto& value = attribute.second;
  const auto key = base::to_lower(attribute.first);
  if (key == "value") {
    goal.value = Decimal::parse(value);
    return goal.value.has_value();
  }
  const bool is_type = key == "type";
  if (!is_type && key != "format") return false;
  const auto letter = letter_of(value, is_type ? "RASI" : "NCP");
  (is_type ? goal.type : goal.format) = letter.value_or(0);
  return letter.has_value();
}

}  // namespace

std::optional<GoalReport> parse_goal(std::string_view text) {
  auto pieces = parse_pieces(text);
  if (!pieces) return {};
  GoalReport goal;
  goal.name = std::move(pieces->name);
  for (const auto& attribute : pieces->attributes) {
    if (!apply(attribute, goal)) return {};
  }
  return goal;
}

std::optional<SplitReport> parse_split(std::string_view text) {
  auto pieces = parse_pieces(text);
  if (!pieces || pieces->attributes.size() != 1) return {};
  auto& [key, population] = pieces->attributes.front();
  if (!base::equals_ignoring_case(key, "selected") || population.empty()) return {};
  return SplitReport{std::move(pieces->name), std::move(population)};
}

}  // namespace manhattan::http
