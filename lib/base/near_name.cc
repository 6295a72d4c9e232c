// SPDX-License-Identifier: MIT
#include "base/near_name.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

#include "base/text.h"

namespace manhattan::base {
namespace {

// Longer names cost time by the square of their length, and are no slips of a finger.
constexpr std::size_t kMostCharacters = 200;

/// Characters of UTF-8, each as its bytes; a byte that is none of UTF-8 is a character by itself.
std::vector<std::string> characters_of(std::string_view text) {
  std::vector<std::string> characters;
  while (!text.empty()) {
    const auto length = std::max<std::size_t>(1, utf8_length(text));
    characters.push_back(to_lower(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return characters;
}

std::string digits_of(std::string_view text) {
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits),
                       [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits;
}

/// How many characters are inserted, left out, replaced or swapped with the next one.
std::size_t distance(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + replaced});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::exchange(last, row);
  }
  return last.back();
}

std::size_t most_slips(std::size_t characters) noexcept {
  return characters < 3 ? 0 : characters < 6 ? 1 : characters < 9 ? 2 : 3;
}

}  // namespace

std::optional<std::string> near_name(std::string_view typed,
                                     const std::vector<std::string>& known) {
  const auto wanted = characters_of(typed);
  std::optional<std::string> nearest;
  std::size_t least = SIZE_MAX;
  if (wanted.size() > kMostCharacters) return nearest;
  for (const auto& name : known) {
    if (name == typed || digits_of(name) != digits_of(typed)) continue;
    const auto candidate = characters_of(name);
    const auto most = most_slips(std::max(wanted.size(), candidate.size()));
    if (candidate.size() > wanted.size() + most || wanted.size() > candidate.size() + most)
      continue;
    const auto slips = distance(wanted, candidate);
    if (slips > most || slips >= least) continue;
    least = slips;
    nearest = name;
  }
  return nearest;
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known) {
  const auto name = near_name(typed, known);
  return name ? "; did you mean '" + *name + "'?" : "";
}

}  // namespace manhattan::base
