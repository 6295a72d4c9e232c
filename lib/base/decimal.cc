// SPDX-License-Identifier: MIT
#include "base/decimal.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace manhattan {
namespace {

/// More than any line of a log has digits, so that what is cut off here could move nothing.
constexpr int kMostExponent = 10'000'000;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Digits of a number with the place of its point, as read; leading zeros dropped.
struct Digits {
  std::string_view whole;
  std::string_view fraction;
  int exponent = 0;
  bool is_negative = false;
};

std::string_view take_digits(std::string_view& text) noexcept {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto size = static_cast<std::size_t>(end - text.begin());
  const auto digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

std::optional<int> take_exponent(std::string_view text) noexcept {
  const bool has_plus = text.starts_with('+');
  if (has_plus) text.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  const bool is_negative = text.starts_with('-');
  if (has_plus && is_negative) return std::nullopt;
  if (error == std::errc::result_out_of_range) return is_negative ? -kMostExponent : kMostExponent;
  return std::clamp(exponent, -kMostExponent, kMostExponent);
}

std::optional<Digits> split_number(std::string_view text) noexcept {
  Digits digits;
  if (text.starts_with('-') || text.starts_with('+')) {
    digits.is_negative = text.front() == '-';
    text.remove_prefix(1);
  }
  digits.whole = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    digits.fraction = take_digits(text);
  }
  if (digits.whole.empty() && digits.fraction.empty()) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    const auto exponent = take_exponent(text.substr(1));
    if (!exponent) return std::nullopt;
    digits.exponent = *exponent;
    text = {};
  }
  if (!text.empty()) return std::nullopt;
  return digits;
}

}  // namespace

template <int Places>
std::optional<FixedPoint<Places>> FixedPoint<Places>::parse(std::string_view text) noexcept {
  const auto digits = split_number(base::trim(text));
  if (!digits) return std::nullopt;
  const long whole = static_cast<long>(digits->whole.size());
  const long size = whole + static_cast<long>(digits->fraction.size());
  const auto digit_at = [&](long i) {
    return i < whole ? digits->whole[static_cast<std::size_t>(i)]
                     : digits->fraction[static_cast<std::size_t>(i - whole)];
  };
  // Digits before `kept` are worth a unit or more; the rest decides the rounding.
  const long kept = whole + digits->exponent + kPlaces;
  constexpr __int128 kMostBeforeNext = limit() / 10;  // any digit may follow
  static_assert(limit() % 10 == 9);
  __int128 units = 0;
  for (long i = 0; i < kept && (i < size || units != 0); ++i) {
    if (units > kMostBeforeNext) return std::nullopt;
    units = units * 10 + (i < size ? digit_at(i) - '0' : 0);
  }
  if (kept >= 0 && kept < size) {
    bool is_beyond_half = false;
    for (long i = kept + 1; i < size; ++i) is_beyond_half |= digit_at(i) != '0';
    const char next = digit_at(kept);
    if (next > '5' || (next == '5' && (is_beyond_half || units % 2 != 0))) ++units;
    if (units > limit()) return std::nullopt;
  }
  return FixedPoint(digits->is_negative ? -units : units);
}

template <int Places>
std::string FixedPoint<Places>::to_string() const {
  if (is_zero()) return "0";  // most counters have no value
  const __int128 magnitude = units_ < 0 ? -units_ : units_;
  std::string reversed;
  auto fraction = static_cast<std::uint64_t>(magnitude % power_of_ten(Places));
  for (int place = 0; place < kPlaces; ++place, fraction /= 10) {
    const char digit = static_cast<char>('0' + fraction % 10);
    if (digit != '0' || !reversed.empty()) reversed.push_back(digit);
  }
  if (!reversed.empty()) reversed.push_back('.');
  __int128 whole = magnitude / power_of_ten(Places);
  do {
    reversed.push_back(static_cast<char>('0' + static_cast<int>(whole % 10)));
    whole /= 10;
  } while (whole != 0);
  if (units_ < 0) reversed.push_back('-');
  return {reversed.rbegin(), reversed.rend()};
}

template <int Places>
double FixedPoint<Places>::to_double() const noexcept {
  // Through the text: dividing by a power of ten would round twice.
  const auto text = to_string();
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

template class FixedPoint<9>;
template class FixedPoint<12>;

}  // namespace manhattan
