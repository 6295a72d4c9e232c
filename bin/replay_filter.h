// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "bin/program.h"
#include "record/record.h"

namespace manhattan::program {

/// Which records of a log are wanted; an empty set or bound wants all.
struct Filter {
  std::optional<UnixNanos> from = {};  ///< at this time or later
  std::optional<UnixNanos> to = {};    ///< before this one
  std::set<SiteId> sites = {};
  std::set<std::string, std::less<>> visitors = {};
  std::set<std::string, std::less<>> kinds = {};

  bool passes(const Record& record) const;
  bool is_open() const noexcept;
  /// The same for the same filter, `site 1, kind goal`; empty for one that is open.
  std::string to_string() const;
};

/// --site, --visitor and --kind, of manhattan-replay and manhattan-log alike; each may be repeated.
void add_record_filter(std::vector<Option>& described);
/// Of these three.
Filter record_filter(const options::variables_map& values);

/// `page`, `pixel`, `goal` or `split`.
std::string_view kind_of(const Record& record) noexcept;

/// Seconds since 1970, or `2026-11-21`, `2026-11-21T14`, `...T14:30`, `...T14:30:15`, in UTC.
/// ConfigError with `option`'s name.
UnixNanos parse_time(const std::string& option, const std::string& text);

/// `2026-11-21T14:30:15.1234Z`.
void append_time(UnixNanos at, std::string& out);

}  // namespace manhattan::program
