// SPDX-License-Identifier: MIT
// Access logs of web servers, in the combined format of Apache and nginx.
#pragma once

#include <string>
#include <string_view>

#include "record/record.h"

namespace manhattan::record {

/// Why a line of an access log is no page.
enum class Access {
  page,
  malformed,     ///< not the combined format
  bad_time,      ///< no time that exists
  other_method,  ///< neither GET nor POST, which are what a wrapped program's pages are
};

/// `skipped_access_malformed` and the like; empty for a page.
std::string_view reason_of(Access access) noexcept;

/// Reads `ADDRESS IDENT USER [TIME] "METHOD URL PROTOCOL" STATUS BYTES "REFERRER" "AGENT"`, with or
/// without more behind it and its newline, into a page of site 0 whose views point into `line` or
/// `scratch`. There is no cookie in such a log: the visitor is `access-` and a hash of address and
/// agent. On anything but a page, `record` is unspecified.
[[nodiscard]] Access parse_access(std::string_view line, std::string& scratch, Record& record);

}  // namespace manhattan::record
