// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace manhattan {

/// An exact decimal number: nine places, 28 digits before the point, in 128 bits.
///
/// Sums saturate at kMax and kMin, so that no hostile value can wrap a counter.
class Decimal {
 public:
  static constexpr int kPlaces = 9;

  constexpr Decimal() noexcept = default;
  static constexpr Decimal from_nanos(__int128 nanos) noexcept { return Decimal(clamp(nanos)); }
  static constexpr Decimal from_integer(std::int64_t units) noexcept {
    return Decimal(static_cast<__int128>(units) * 1'000'000'000);
  }

  /// Reads what Python's float() reads, but for nan, inf and underscores: sign, digits, point,
  /// exponent, blanks around. The tenth place is rounded half to even. Too large: nothing.
  static std::optional<Decimal> parse(std::string_view text) noexcept;

  /// Shortest exact form: `12.5`, `-0.000001`, `0`.
  std::string to_string() const;
  double to_double() const noexcept;
  constexpr __int128 nanos() const noexcept { return nanos_; }
  constexpr bool is_zero() const noexcept { return nanos_ == 0; }

  constexpr Decimal& operator+=(Decimal other) noexcept {
    nanos_ = clamp(nanos_ + other.nanos_);  // both within 10^38: no overflow of 2^127
    return *this;
  }
  friend constexpr Decimal operator+(Decimal a, Decimal b) noexcept { return a += b; }
  friend constexpr Decimal operator-(Decimal a) noexcept { return Decimal(-a.nanos_); }
  friend constexpr auto operator<=>(Decimal, Decimal) noexcept = default;

 private:
  // Half of what DECIMAL(38,9) holds: the sum of two stays inside 128 bits before it is clamped.
  static constexpr __int128 limit() noexcept {
    __int128 power = 1;
    for (int i = 0; i < 37; ++i) power *= 10;
    return 5 * power - 1;
  }
  static constexpr __int128 clamp(__int128 nanos) noexcept {
    const __int128 most = limit();
    return nanos > most ? most : nanos < -most ? -most : nanos;
  }
  explicit constexpr Decimal(__int128 nanos) noexcept : nanos_(nanos) {}

  __int128 nanos_ = 0;
};

}  // namespace manhattan
