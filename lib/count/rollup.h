// SPDX-License-Identifier: MIT
#pragma once

#include <date/tz.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace manhattan::count {

/// A rule that turns a record into a bucket.
struct Rollup {
  enum class Kind { all, hour, day, week, month, year };

  std::string name;  ///< how questions and the store call it
  std::string spec;  ///< `day:America/Los_Angeles`, as given
  Kind kind = Kind::all;
  const date::time_zone* zone = nullptr;  ///< of the time rollups; lives as long as the process
};

/// `NAME=SPEC`, or `SPEC` alone, which then is the name too. Time rollups without a zone of their
/// own take `default_zone`. ConfigError names what is wrong.
Rollup parse_rollup(const std::string& text, const std::string& default_zone);

/// The name of the bucket `at` falls into: its local start, `2026-11-21T14`, `2026-11-21`,
/// `2026-11`, `2026`; a week by its Sunday; `0` for `all`.
std::string bucket_of(const Rollup& rollup, UnixNanos at);

}  // namespace manhattan::count
