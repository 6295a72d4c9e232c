// SPDX-License-Identifier: MIT
#include "record/combined.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "record/text_codec.h"

namespace manhattan::record {
namespace {

using namespace std::chrono;

template <class Number>
std::optional<Number> number_of(std::string_view text) noexcept {
  Number number{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// The text up to `end`, which goes too; nothing where there is no such character.
std::optional<std::string_view> take_until(std::string_view& text, char end) noexcept {
  const auto at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const auto taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

/// What stands between quotes, still escaped; the quotes go too.
std::optional<std::string_view> take_quoted(std::string_view& text) noexcept {
  if (!text.starts_with('"')) return std::nullopt;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      const auto taken = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      if (text.starts_with(' ')) text.remove_prefix(1);
      return taken;
    }
  }
  return std::nullopt;
}

/// Apache writes `\"`, `\\`, `\t` and `\xhh`; nginx `\xhh` for all of them.
void append_plain(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    unsigned byte = 0;
    const auto hex = text.substr(i + 1, 2);
    const auto [stop, error] = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    if (c == 'x' && hex.size() == 2 && error == std::errc{} && stop == hex.data() + 2) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      const auto letter = std::string_view("tnrvbf").find(c);
      out.push_back(letter == std::string_view::npos ? c : "\t\n\r\v\b\f"[letter]);
    }
  }
}

/// `10/Oct/2000:13:55:36 -0700`
std::optional<UnixNanos> time_of(std::string_view text) noexcept {
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[14] != ':' ||
      text[17] != ':' || text[20] != ' ')
    return std::nullopt;
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto named = kMonths.find(text.substr(3, 3));
  // day, year, hour, minute, second, hour and minute of the zone
  const std::array<std::pair<int, int>, 7> places{
      {{0, 2}, {7, 4}, {12, 2}, {15, 2}, {18, 2}, {22, 2}, {24, 2}}};
  std::array<unsigned, 7> numbers{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto number = number_of<unsigned>(text.substr(places[i].first, places[i].second));
    if (!number) return std::nullopt;
    numbers[i] = *number;
  }
  const auto [d, y, hour, minute, second, zone_hour, zone_minute] = numbers;
  if (named == std::string_view::npos || named % 3 != 0) return std::nullopt;
  const year_month_day date{year(static_cast<int>(y)), month(static_cast<unsigned>(named) / 3 + 1),
                            day(d)};
  const bool is_east = text[21] == '+';
  // A leap second is written 60.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60 || zone_hour > 23 || zone_minute > 59 ||
      (!is_east && text[21] != '-'))
    return std::nullopt;
  const auto zone = hours(zone_hour) + minutes(zone_minute);
  const auto local = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  const sys_seconds at = is_east ? local - zone : local + zone;
  if (at.time_since_epoch() > kMostTime || at.time_since_epoch() < -kMostTime) return std::nullopt;
  return at;
}

/// FNV-1a of 128 bits.
class Digest {
 public:
  void add(std::string_view text) noexcept {
    constexpr auto kPrime = (static_cast<unsigned __int128>(1) << 88) + 0x13b;
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * kPrime;
  }
  void append_to(std::string& out) const {
    for (int shift = 124; shift >= 0; shift -= 4)
      out.push_back("0123456789abcdef"[static_cast<unsigned>(hash_ >> shift) & 15]);
  }

 private:
  unsigned __int128 hash_ =
      (static_cast<unsigned __int128>(0x6c62272e07bb0142) << 64) | 0x62b821756295c58d;
};

/// A line cut at its fields, escapes and all.
struct Pieces {
  std::string_view address, time, request, status, bytes, referrer, agent;
};

std::optional<Pieces> cut(std::string_view line) noexcept {
  const auto address = take_until(line, ' ');
  const auto names = take_until(line, '[');  // ident and user, who may have blanks
  const auto time = take_until(line, ']');
  if (!address || address->empty() || !names || !time || !line.starts_with(' '))
    return std::nullopt;
  line.remove_prefix(1);
  const auto request = take_quoted(line);
  const auto status = take_until(line, ' ');
  const auto bytes = take_until(line, ' ');
  const auto referrer = take_quoted(line);
  const auto agent = take_quoted(line);
  if (!request || !status || !bytes || !referrer || !agent || !number_of<int>(*status))
    return std::nullopt;
  return Pieces{*address, *time, *request, *status, *bytes, *referrer, *agent};
}

/// Plain text of one field in the scratch, whose room was reserved; `-` is how they write nothing.
std::string_view plain(std::string_view field, std::string& scratch) {
  const auto start = scratch.size();
  if (field != "-") append_plain(field, scratch);
  return std::string_view(scratch).substr(start);
}

}  // namespace

std::string_view reason_of(Access access) noexcept {
  switch (access) {
    case Access::page:
      return "";
    case Access::malformed:
      return "skipped_access_malformed";
    case Access::bad_time:
      return "skipped_access_bad_time";
    case Access::other_method:
      return "skipped_access_method";
  }
  return "";
}

Access parse_access(std::string_view line, std::string& scratch, Record& record) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const auto pieces = cut(line);
  if (!pieces) return Access::malformed;
  const auto at = time_of(pieces->time);
  if (!at) return Access::bad_time;
  auto request = pieces->request;
  const auto method = take_until(request, ' ');
  if (method != "GET" && method != "POST") return Access::other_method;
  const auto url = request.substr(0, std::min(request.rfind(' '), request.size()));
  scratch.clear();
  scratch.reserve(line.size() + 64);
  Page page{.ip = plain(pieces->address, scratch), .method = *method, .url = plain(url, scratch)};
  page.user_agent = plain(pieces->agent, scratch);
  page.referrer = plain(pieces->referrer, scratch);
  page.status = number_of<std::int64_t>(pieces->status);
  page.response_bytes = number_of<std::int64_t>(pieces->bytes);
  Digest digest;
  digest.add(page.ip);
  digest.add("\n");
  digest.add(page.user_agent);
  const auto start = scratch.size();
  scratch += "access-";
  digest.append_to(scratch);
  record = {*at, std::string_view(scratch).substr(start), 0, page};
  return Access::page;
}

}  // namespace manhattan::record
