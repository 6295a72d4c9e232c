// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/decimal.h"

namespace manhattan {

/// Number of a site (a host name, mostly): 0 and up.
using SiteId = std::int32_t;

/// How a goal's value is read: R a rate, A an average a converted visitor, S a sum, I an average a
/// visitor who viewed a page. `none`: the record does not say.
enum class ValueType : char { none = 0, rate = 'R', average = 'A', sum = 'S', per_session = 'I' };

/// How a goal's value is shown: a number, a currency, a percentage.
enum class ValueFormat : char { none = 0, numeric = 'N', currency = 'C', percent = 'P' };

/// A page was answered. Fields after `referrer` are missing from the original's logs.
struct Page {
  std::string_view ip = {};
  std::string_view method = {};
  std::string_view url = {};
  std::string_view user_agent = {};
  std::string_view referrer = {};
  std::optional<std::int64_t> status = {};
  std::optional<std::int64_t> duration_us = {};
  std::optional<std::int64_t> response_bytes = {};
  std::string_view headers = {};  ///< captured request headers, `Name: value` separated by newlines
};

/// The visitor's browser fetched the pixel: no bot.
struct Pixel {};

/// The visitor reached a goal.
struct Goal {
  std::string_view name;
  std::optional<Decimal> value = {};
  ValueType type = ValueType::none;
  ValueFormat format = ValueFormat::none;
};

/// The visitor was shown `population` of the split `name`.
struct Split {
  std::string_view name;
  std::string_view population;
};

/// One event. Its views point into whatever it was decoded from or is made of, which must outlive
/// it; all text is UTF-8.
struct Record {
  UnixNanos at;
  std::string_view visitor;
  SiteId site = 0;
  std::variant<Page, Pixel, Goal, Split> event;
};

}  // namespace manhattan
