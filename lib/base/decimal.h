// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace manhattan {

/// An exact decimal number of so many places, 37 digits in all, in 128 bits.
///
/// Sums saturate at the largest and the smallest, so that no hostile value can wrap a counter.
template <int Places>
class FixedPoint {
 public:
  static constexpr int kPlaces = Places;

  constexpr FixedPoint() noexcept = default;
  /// `units` of the last place.
  static constexpr FixedPoint from_units(__int128 units) noexcept {
    return FixedPoint(clamp(units));
  }
  static constexpr FixedPoint from_integer(std::int64_t whole) noexcept {
    return FixedPoint(static_cast<__int128>(whole) * power_of_ten(Places));
  }

  /// Reads what Python's float() reads, but for nan, inf and underscores: sign, digits, point,
  /// exponent, blanks around. What is beyond the last place is rounded half to even. Too large:
  /// nothing.
  static std::optional<FixedPoint> parse(std::string_view text) noexcept;

  /// Shortest exact form: `12.5`, `-0.000001`, `0`.
  std::string to_string() const;
  double to_double() const noexcept;
  constexpr __int128 units() const noexcept { return units_; }
  constexpr bool is_zero() const noexcept { return units_ == 0; }

  constexpr FixedPoint& operator+=(FixedPoint other) noexcept {
    units_ = clamp(units_ + other.units_);  // both within 10^38: no overflow of 2^127
    return *this;
  }
  friend constexpr FixedPoint operator+(FixedPoint a, FixedPoint b) noexcept { return a += b; }
  friend constexpr FixedPoint operator-(FixedPoint a) noexcept { return FixedPoint(-a.units_); }
  friend constexpr auto operator<=>(FixedPoint, FixedPoint) noexcept = default;

 private:
  static constexpr __int128 power_of_ten(int exponent) noexcept {
    __int128 power = 1;
    for (; exponent > 0; --exponent) power *= 10;
    return power;
  }
  // Half of what 38 digits of SQL hold: the sum of two stays inside 128 bits before it is clamped.
  static constexpr __int128 limit() noexcept { return 5 * power_of_ten(37) - 1; }
  static constexpr __int128 clamp(__int128 units) noexcept {
    const __int128 most = limit();
    return units > most ? most : units < -most ? -most : units;
  }
  explicit constexpr FixedPoint(__int128 units) noexcept : units_(units) {}

  __int128 units_ = 0;
};

/// A goal's value: nine places; any of 28 digits before the point, and below 5 times 10^28.
using Decimal = FixedPoint<9>;
/// A sum of squares of values of six places.
using SquareSum = FixedPoint<12>;

}  // namespace manhattan
