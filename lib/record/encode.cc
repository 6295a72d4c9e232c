// SPDX-License-Identifier: MIT
#include <cstdint>

#include "base/hash.h"
#include "record/line.h"
#include "record/text_codec.h"

namespace manhattan::record {
namespace {

constexpr std::size_t kMostNameBytes = 1000;
// Behind a name that was cut: `~` and the hash of all of it.
constexpr std::size_t kHashChars = 17;
constexpr std::string_view kHexDigits = "0123456789abcdef";
// What one field of a page may take; escaped, all of them together still fit a ring frame.
constexpr std::size_t kMostShortBytes = 100;
constexpr std::size_t kMostAgentBytes = 1000;
constexpr std::size_t kMostUrlBytes = 4000;

std::string_view clipped(std::string_view text, std::size_t most_bytes) noexcept {
  if (text.size() <= most_bytes) return text;
  while (most_bytes > 0 && (static_cast<unsigned char>(text[most_bytes]) & 0xc0) == 0x80) {
    --most_bytes;
  }
  return text.substr(0, most_bytes);
}

void add_timestamp(UnixNanos at, Line& line) {
  const auto ns = at.time_since_epoch().count();
  if (ns < 0) line.add('-');
  const auto magnitude = static_cast<std::uint64_t>(ns < 0 ? -ns : ns);
  const auto tenths_ms = magnitude % 1'000'000'000 / 100'000;
  line.add_number(static_cast<std::int64_t>(magnitude / 1'000'000'000));
  const char fraction[] = {
      '.', static_cast<char>('0' + tenths_ms / 1000), static_cast<char>('0' + tenths_ms / 100 % 10),
      static_cast<char>('0' + tenths_ms / 10 % 10), static_cast<char>('0' + tenths_ms % 10)};
  line.add({fraction, sizeof fraction});
}

void add_name(std::string_view name, Line& line) {
  if (name.size() <= kMostNameBytes) return line.add_field(name);
  std::string storage;
  line.add_field(fit_name(name, storage));
}

void add_optional(const std::optional<std::int64_t>& number, Line& line) {
  line.add('\t');
  if (number) line.add_number(*number);
}

void add_letter(char letter, Line& line) {
  line.add('\t');
  if (letter != 0) line.add(letter);
}

void add_head(UnixNanos at, std::string_view visitor, SiteId site, Line& line) {
  line.add('\t');
  add_timestamp(at, line);
  add_name(visitor, line);
  line.add('\t');
  line.add_number(site);
}

}  // namespace

std::string head_of(UnixNanos at, std::string_view visitor, SiteId site) {
  Line line;
  add_head(at, visitor, site, line);
  return std::string(line.text());
}

void encode(std::string_view head, const Page& page, Line& line) {
  line.add("1\tpage");
  line.add(head);
  line.add_field(clipped(page.ip, kMostShortBytes));
  line.add_field(clipped(page.method, kMostShortBytes));
  line.add_field(clipped(page.url, kMostUrlBytes));
  line.add_field(clipped(page.user_agent, kMostAgentBytes));
  line.add_field(clipped(page.referrer, kMostUrlBytes));
  if (page.status || page.duration_us || page.response_bytes || !page.headers.empty()) {
    add_optional(page.status, line);
    add_optional(page.duration_us, line);
    add_optional(page.response_bytes, line);
    line.add_field(clipped(page.headers, kMostUrlBytes));
  }
  line.add('\n');
}

void encode(std::string_view head, const Pixel&, Line& line) {
  line.add("1\tpixel");
  line.add(head);
  line.add('\n');
}

void encode(std::string_view head, const Goal& goal, Line& line) {
  line.add("1\tgoal");
  line.add(head);
  add_name(goal.name, line);
  line.add('\t');
  if (goal.value) line.add(goal.value->to_string());
  add_letter(static_cast<char>(goal.type), line);
  add_letter(static_cast<char>(goal.format), line);
  line.add('\n');
}

void encode(std::string_view head, const Split& split, Line& line) {
  line.add("1\tsplit");
  line.add(head);
  add_name(split.name, line);
  add_name(split.population, line);
  line.add('\n');
}

void encode(const Record& record, std::string& out) {
  Line head, line;
  add_head(record.at, record.visitor, record.site, head);
  std::visit([&](const auto& event) { encode(head.text(), event, line); }, record.event);
  out += line.text();
}

std::string_view fit_name(std::string_view name, std::string& storage) {
  if (name.size() <= kMostNameBytes) return name;
  const auto hash = base::fnv1a(name);
  storage = clipped(name, kMostNameBytes - kHashChars);
  storage.push_back('~');
  for (int shift = 60; shift >= 0; shift -= 4) storage.push_back(kHexDigits[(hash >> shift) & 15]);
  return storage;
}

bool is_cut(std::string_view name) noexcept {
  constexpr std::size_t kMostOfCharacter = 4;  // the cut is before a whole one
  if (name.size() + kMostOfCharacter <= kMostNameBytes) return false;
  const auto hash = name.substr(name.size() - kHashChars);
  return name.size() > kMostNameBytes ||
         (hash[0] == '~' && hash.find_first_not_of(kHexDigits, 1) == hash.npos);
}

}  // namespace manhattan::record
