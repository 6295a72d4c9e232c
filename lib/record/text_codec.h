// SPDX-License-Identifier: MIT
// One record as a line of the text log: manhattan-log(5).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "record/record.h"

namespace manhattan::record {

class Line;

/// A record is this far from 1970 at most: as nanoseconds that is 64 bits, in the year 2255.
inline constexpr std::chrono::seconds kMostTime{9'000'000'000};

/// Why a line is no record. The names are those that `manhattan-query status` counts under.
enum class Verdict {
  ok,
  bad_version,
  bad_kind,
  bad_timestamp,
  bad_visitor,
  bad_site,
  bad_value,
  bad_escape,
  missing_field,
  forgotten,  ///< it was a record, of a visitor who is erased
};

/// `skipped_bad_value` and the like; empty for ok.
std::string_view reason_of(Verdict verdict) noexcept;

/// Appends the line of `record`, newline included. Text that is not UTF-8 is taken as latin-1;
/// names and visitor ids are cut as fit_name says, texts of a page at some thousand bytes.
void encode(const Record& record, std::string& out);

/// What the lines of one visitor's request have in common, from the tab before the timestamp to
/// the site: made once, as it costs more than the rest of a goal's line.
std::string head_of(UnixNanos at, std::string_view visitor, SiteId site);

/// Adds the line of one event behind that head, as encode(Record) does.
void encode(std::string_view head, const Page& page, Line& line);
void encode(std::string_view head, const Pixel& pixel, Line& line);
void encode(std::string_view head, const Goal& goal, Line& line);
void encode(std::string_view head, const Split& split, Line& line);

/// Reads one line (with or without its newline) into `record`, whose views point into `line` or
/// `scratch`. On anything but ok, `record` is unspecified.
/// Source: semantics.md of the original's parse_line, less its crashes.
[[nodiscard]] Verdict decode(std::string_view line, std::string& scratch, Record& record);

/// A name as it is counted: UTF-8 of at most 1,000 bytes; a longer one is cut at a character and
/// ends in `~` and 16 hexadecimal digits of its hash, so that different names stay different.
/// `storage` holds the result where it had to be made.
std::string_view fit_name(std::string_view name, std::string& storage);

/// fit_name cuts this name, or has made it.
bool is_cut(std::string_view name) noexcept;

}  // namespace manhattan::record
