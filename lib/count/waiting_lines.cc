// SPDX-License-Identifier: MIT
#include "count/waiting_lines.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace manhattan::count {
namespace {

constexpr std::size_t kKind = 1;  // the field that says what a record is of

char* put(std::string_view bytes, char* to) noexcept {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

std::string_view next_field(std::string_view& rest, bool is_last) {
  if (is_last) return rest;
  const auto tab = rest.find('\t');
  BlobReader::require(tab != std::string_view::npos);
  const auto field = rest.substr(0, tab);
  rest.remove_prefix(tab + 1);
  return field;
}

}  // namespace

ShortLine::ShortLine(const base::TabFields& line, std::uint32_t of,
                     const base::TabFields& by) noexcept
    : number(of) {
  std::size_t others = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool is_same = line[i] == by[i];
    same |= std::uint32_t{is_same} << i;
    if (is_same) continue;
    bytes += line[i].size();
    ++others;
  }
  bytes += std::max<std::size_t>(others, 1) - 1;
}

char* ShortLine::write(const base::TabFields& line, char* to) const noexcept {
  to = put_number(number, to);
  if (number > 0) to = put_number(same, to);
  to = put_number(static_cast<std::uint32_t>(bytes), to);
  std::string_view between;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((same >> i & 1) != 0) continue;
    to = put(line[i], put(between, to));
    between = "\t";
  }
  return to;
}

WaitingLines::WaitingLines(BlobReader& in) : count_(in.small()) {
  in.require(count_ <= kMostTemplates);
  for (std::uint32_t i = 0; i < count_; ++i) texts_[i] = in.text();
}

std::optional<ShortLine> WaitingLines::shorten(const base::TabFields& line) const noexcept {
  for (std::uint32_t i = 0; i < count_; ++i) {
    const base::TabFields by(texts_[i]);
    if (by.size() == line.size() && by[kKind] == line[kKind]) return ShortLine(line, i + 1, by);
  }
  return std::nullopt;
}

void WaitingLines::read(BlobReader& in, std::string& line) const {
  const auto number = in.small();
  in.require(number <= count_);
  if (number == 0) {
    line += in.text();
    return;
  }
  const auto same = in.small();
  auto rest = in.text();
  const base::TabFields by(texts_[number - 1]);
  in.require(same >> by.size() == 0);
  auto left = by.size() - static_cast<std::size_t>(std::popcount(same));
  in.require(left > 0 || rest.empty());
  for (std::size_t i = 0; i < by.size(); ++i) {
    if (i > 0) line += '\t';
    line += (same >> i & 1) != 0 ? by[i] : next_field(rest, --left == 0);
  }
}

void WaitingLines::skip(BlobReader& in) {
  if (in.small() > 0) in.small();
  in.text();
}

}  // namespace manhattan::count
