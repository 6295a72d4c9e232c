// SPDX-License-Identifier: MIT
#include "visitor/population.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace manhattan::visitor {
namespace {

/// MT19937 seeded by an array, up to the first 624 outputs.
/// Source: Matsumoto and Nishimura, mt19937ar (2002). std::mt19937 can't be seeded this way.
class MersenneTwister {
 public:
  explicit MersenneTwister(const std::vector<std::uint32_t>& key) noexcept {
    fill(19650218);
    std::size_t i = 1, j = 0;
    for (std::size_t k = std::max(kSize, key.size()); k > 0; --k) {
      state_[i] = mixed(i, 1664525) + key[j] + static_cast<std::uint32_t>(j);
      advance(i);
      j = j + 1 < key.size() ? j + 1 : 0;
    }
    for (std::size_t k = kSize - 1; k > 0; --k) {
      state_[i] = mixed(i, 1566083941) - static_cast<std::uint32_t>(i);
      advance(i);
    }
    state_[0] = 0x80000000;
  }

  /// Output number `i`, 0 or 1, of the first twist; both read only words not yet twisted.
  std::uint32_t output(std::size_t i) const noexcept {
    const std::uint32_t y = (state_[i] & 0x80000000) | (state_[i + 1] & 0x7fffffff);
    std::uint32_t x = state_[i + kShift] ^ (y >> 1) ^ ((y & 1) != 0 ? 0x9908b0df : 0);
    x ^= x >> 11;
    x ^= (x << 7) & 0x9d2c5680;
    x ^= (x << 15) & 0xefc60000;
    return x ^ (x >> 18);
  }

 private:
  static constexpr std::size_t kSize = 624;
  static constexpr std::size_t kShift = 397;

  void fill(std::uint32_t seed) noexcept {
    state_[0] = seed;
    for (std::size_t i = 1; i < kSize; ++i) {
      state_[i] =
          1812433253 * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<std::uint32_t>(i);
    }
  }
  std::uint32_t mixed(std::size_t i, std::uint32_t factor) const noexcept {
    return state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * factor);
  }
  void advance(std::size_t& i) noexcept {
    if (++i < kSize) return;
    state_[0] = state_[kSize - 1];
    i = 1;
  }

  std::array<std::uint32_t, kSize> state_{};
};

/// The bytes of both names as one big-endian integer, in 32-bit words, least significant first.
std::vector<std::uint32_t> seed_words(std::string_view visitor, std::string_view split) {
  const std::string bytes = std::string(visitor).append(split);
  std::vector<std::uint32_t> words;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint32_t byte = static_cast<unsigned char>(bytes[bytes.size() - 1 - i]);
    if (i % 4 == 0) words.push_back(0);
    words.back() |= byte << (8 * (i % 4));
  }
  while (!words.empty() && words.back() == 0) words.pop_back();
  if (words.empty()) words.push_back(0);
  return words;
}

}  // namespace

double population_draw(std::string_view visitor, std::string_view split) {
  const MersenneTwister twister(seed_words(visitor, split));
  const double high = twister.output(0) >> 5;
  const double low = twister.output(1) >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

std::string choose_population(std::string_view visitor, std::string_view split) {
  return population_draw(visitor, split) < 0.5 ? "True" : "False";
}

std::string choose_population(std::string_view visitor, std::string_view split,
                              const std::vector<std::string>& populations) {
  if (populations.empty())
    throw ConfigError("split '" + std::string(split) + "' has no population");
  const double place = population_draw(visitor, split) * static_cast<double>(populations.size());
  return populations[static_cast<std::size_t>(place)];
}

std::string choose_population(std::string_view visitor, std::string_view split,
                              std::vector<Weighted> populations) {
  std::sort(populations.begin(), populations.end(),
            [](const Weighted& a, const Weighted& b) { return a.name < b.name; });
  double total = 0;
  for (const auto& [name, weight] : populations) {
    if (!std::isfinite(weight)) throw ConfigError("population '" + name + "' has a bad weight");
    total += std::max(weight, 0.0);
  }
  if (!(total > 0))
    throw ConfigError("split '" + std::string(split) + "' has no population of any weight");
  const double place = population_draw(visitor, split) * total;
  double start = 0;
  const std::string* chosen = nullptr;
  for (const auto& [name, weight] : populations) {
    if (weight <= 0) continue;  // the original leaves such populations out
    if (start <= place) chosen = &name;
    start += weight;
  }
  return *chosen;
}

}  // namespace manhattan::visitor
