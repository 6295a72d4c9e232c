// SPDX-License-Identifier: MIT
#include "http/report.h"

#include <utility>
#include <vector>

#include "base/text.h"

namespace manhattan::http {
namespace {

/// Takes the next `;`-separated piece off `text`, quotes and backslashes resolved.
std::optional<std::string> next_piece(std::string_view& text) {
  std::string piece;
  bool is_quoted = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_quoted || text[i] != ';'); ++i) {
    if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (is_quoted && text[i] == '\\' && i + 1 < text.size()) {
      piece += text[++i];
    } else {
      piece += text[i];
    }
  }
  if (is_quoted) return {};
  text.remove_prefix(std::min(i + 1, text.size()));
  return std::string(base::trim(piece));
}

struct Pieces {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
};

std::optional<Pieces> parse_pieces(std::string_view text) {
  Pieces pieces;
  auto name = next_piece(text);
  if (!name || name->empty()) return {};
  pieces.name = std::move(*name);
  while (!text.empty()) {
    const auto piece = next_piece(text);
    if (!piece) return {};
    if (piece->empty()) continue;
    const auto equals = piece->find('=');
    if (equals == piece->npos) return {};
    pieces.attributes.emplace_back(base::to_lower(base::trim(piece->substr(0, equals))),
                                   base::trim(std::string_view(*piece).substr(equals + 1)));
  }
  return pieces;
}

/// The letter that `text` is, where it is one of `letters`.
std::optional<char> letter_of(std::string_view text, std::string_view letters) noexcept {
  if (text.size() != 1 || letters.find(text[0]) == letters.npos) return {};
  return text[0];
}

bool apply(const std::pair<std::string, std::string>& attribute, GoalReport& goal) {
  const auto& [key, value] = attribute;
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
  if (key != "selected" || population.empty()) return {};
  return SplitReport{std::move(pieces->name), std::move(population)};
}

}  // namespace manhattan::http
