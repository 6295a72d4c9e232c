// SPDX-License-Identifier: MIT
#pragma once

#include <date/tz.h>
#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "count/agents.h"
#include "record/record.h"

namespace manhattan::count {

/// A rule that turns a record into a bucket.
struct Rollup {
  enum class Kind {
    all,
    hour,
    day,
    week,
    month,
    year,
    browser,
    browser_version,
    os,
    device,
    ip,
    referrer,
    path,
    query,
    header,
    variant,
  };
  /// What decides the bucket.
  enum class Basis {
    nothing,     ///< there is but one
    time,        ///< when the record was written
    first_page,  ///< the visitor's first page
    last_page,   ///< the visitor's page before the record, or the record itself
    variants,    ///< the population the visitor met; of several, the one first met last
  };

  std::string name;  ///< how questions and the store call it
  std::string spec;  ///< `day:America/Los_Angeles`, as given
  Kind kind = Kind::all;
  Basis basis = Basis::nothing;
  std::string argument;                   ///< of query, header and variant: the name
  int address_bits = 32;                  ///< of ip: of an IPv4 address; of IPv6, twice as many
  std::shared_ptr<const RE2> regex = {};  ///< of path; owned by the copies of this rollup together
  const date::time_zone* zone = nullptr;  ///< of the time rollups; lives as long as the process

  bool needs_agents() const noexcept;
};

/// `NAME=SPEC`, or `SPEC` alone, which then is the name too. Time rollups without a zone of their
/// own take `default_zone`. ConfigError names what is wrong.
Rollup parse_rollup(const std::string& text, const std::string& default_zone);

/// The name of the bucket `at` falls into: its local start, `2026-11-21T14`, `2026-11-21`,
/// `2026-11`, `2026`; a week by its Sunday. Of a rollup based on time, or `0`.
std::string bucket_of(const Rollup& rollup, UnixNanos at);

/// The name of the bucket that a page decides; empty where it does not have what is asked for.
/// `agent` is that of the page where the rollup needs one.
std::string bucket_of(const Rollup& rollup, const Page& page, const Agent* agent);

}  // namespace manhattan::count
