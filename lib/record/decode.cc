// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/tab_fields.h"
#include "base/text.h"
#include "record/erase.h"
#include "record/escape.h"
#include "record/text_codec.h"

namespace manhattan::record {
namespace {

using Fields = base::TabFields;
constexpr std::int64_t kMostSeconds = kMostTime.count();

/// Decodes fields in place where it can, else into the scratch, whose room was reserved.
class FieldReader {
 public:
  FieldReader(std::string& scratch, bool is_all_plain) noexcept
      : scratch_(scratch), is_all_plain_(is_all_plain) {}

  std::string_view text(std::string_view field) {
    if (is_all_plain_ || is_unescaped(field)) return field;
    const auto start = scratch_.size();
    if (append_unescaped(field, scratch_) != Unescape::ok) is_damaged_ = true;
    return std::string_view(scratch_).substr(start);
  }
  bool is_damaged() const noexcept { return is_damaged_; }

 private:
  std::string& scratch_;
  const bool is_all_plain_;
  bool is_damaged_ = false;
};

template <class Number>
std::optional<Number> number_of(std::string_view field) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  if (field.empty() || error != std::errc{} || end != field.data() + field.size())
    return std::nullopt;
  return number;
}

/// Seconds with up to nine decimals, as logs have them: the hottest number of all.
std::optional<UnixNanos> plain_timestamp_of(std::string_view field) noexcept {
  constexpr std::size_t kMostWhole = 10;
  const auto dot = std::min(field.find('.'), field.size());
  const auto places = field.size() - std::min(field.size(), dot + 1);
  if (dot == 0 || dot > kMostWhole || places > Decimal::kPlaces) return std::nullopt;
  std::uint64_t units = 0;  // ten digits and nine places just fit
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (i == dot) continue;
    const auto digit = static_cast<unsigned char>(field[i] - '0');
    if (digit > 9) return std::nullopt;
    units = units * 10 + digit;
  }
  for (auto i = places; i < Decimal::kPlaces; ++i) units *= 10;
  if (units > std::uint64_t{kMostSeconds} * 1'000'000'000) return std::nullopt;
  return UnixNanos(std::chrono::nanoseconds(static_cast<std::int64_t>(units)));
}

std::optional<UnixNanos> timestamp_of(std::string_view field) noexcept {
  if (const auto at = plain_timestamp_of(field)) return at;
  const auto seconds = Decimal::parse(field);
  if (!seconds || *seconds > Decimal::from_integer(kMostSeconds) ||
      *seconds < Decimal::from_integer(-kMostSeconds)) {
    return std::nullopt;
  }
  return UnixNanos(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds->units())));
}

ValueType value_type_of(std::string_view field) noexcept {
  const bool is_known = field.size() == 1 && std::string_view("RASI").find(field) != field.npos;
  return is_known ? static_cast<ValueType>(field.front()) : ValueType::none;
}

ValueFormat value_format_of(std::string_view field) noexcept {
  const bool is_known = field.size() == 1 && std::string_view("NCP").find(field) != field.npos;
  return is_known ? static_cast<ValueFormat>(field.front()) : ValueFormat::none;
}

Verdict read_goal(const Fields& fields, FieldReader& reader, Record& record) {
  if (fields[5].empty()) return Verdict::missing_field;
  Goal goal{.name = reader.text(fields[5])};
  if (!base::trim(fields[6]).empty()) {
    goal.value = Decimal::parse(fields[6]);
    if (!goal.value) return Verdict::bad_value;
  }
  goal.type = value_type_of(fields[7]);
  goal.format = value_format_of(fields[8]);
  record.event = goal;
  return Verdict::ok;
}

void read_page(const Fields& fields, FieldReader& reader, Page& page) {
  page.ip = reader.text(fields[5]);
  page.method = reader.text(fields[6]);
  page.url = reader.text(fields[7]);
  page.user_agent = reader.text(fields[8]);
  page.referrer = reader.text(fields[9]);
  page.status = number_of<std::int64_t>(fields[10]);
  page.duration_us = number_of<std::int64_t>(fields[11]);
  page.response_bytes = number_of<std::int64_t>(fields[12]);
  page.headers = reader.text(fields[13]);
}

Verdict read_event(const Fields& fields, FieldReader& reader, Record& record) {
  const auto kind = fields[1];
  if (kind == "goal") return read_goal(fields, reader, record);
  if (kind == "page") {
    read_page(fields, reader, record.event.emplace<Page>());
  } else if (kind == "split") {
    record.event = Split{reader.text(fields[5]), reader.text(fields[6])};
    if (fields[5].empty()) return Verdict::missing_field;
  } else if (kind == "pixel") {
    record.event = Pixel{};
  } else {
    return Verdict::bad_kind;
  }
  return Verdict::ok;
}

}  // namespace

std::string_view reason_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::ok:
      return "";
    case Verdict::bad_version:
      return "skipped_bad_version";
    case Verdict::bad_kind:
      return "skipped_bad_kind";
    case Verdict::bad_timestamp:
      return "skipped_bad_timestamp";
    case Verdict::bad_visitor:
      return "skipped_bad_visitor";
    case Verdict::bad_site:
      return "skipped_bad_site";
    case Verdict::bad_value:
      return "skipped_bad_value";
    case Verdict::bad_escape:
      return "skipped_bad_escape";
    case Verdict::missing_field:
      return "skipped_missing_field";
    case Verdict::forgotten:
      return "skipped_forgotten";
  }
  return "";
}

Verdict decode(std::string_view line, std::string& scratch, Record& record) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const Fields fields(line);
  scratch.clear();
  if (!fields.is_plain()) scratch.reserve(2 * line.size());  // a latin-1 byte is two, none more
  FieldReader reader(scratch, fields.is_plain());
  if (fields[0] != "1")
    return is_erased("0", fields[0]) ? Verdict::forgotten : Verdict::bad_version;
  const auto at = timestamp_of(fields[2]);
  const auto site = number_of<SiteId>(base::trim(fields[4]));
  record.at = at.value_or(UnixNanos{});
  record.site = site.value_or(0);
  record.visitor = reader.text(fields[3]);
  const auto verdict = read_event(fields, reader, record);
  if (verdict == Verdict::bad_kind) return verdict;
  if (std::holds_alternative<Pixel>(record.event) && is_erased(fields[2], fields[3]))
    return Verdict::forgotten;
  if (!at) return Verdict::bad_timestamp;
  // Of a damaged escape nothing may be left, which is no lack of a visitor.
  if (fields[3].empty() || (record.visitor.empty() && !reader.is_damaged()))
    return Verdict::bad_visitor;
  if (!site || *site < 0) return Verdict::bad_site;
  if (reader.is_damaged()) return Verdict::bad_escape;
  return verdict;
}

}  // namespace manhattan::record
