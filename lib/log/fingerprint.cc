// SPDX-License-Identifier: MIT
#include "log/fingerprint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "record/text_codec.h"

namespace manhattan::log {
namespace {

/// Also by a forgetting that was cut short.
bool is_erased(std::string_view line) {
  if (line.starts_with("1\tpixel\t0\t#")) return true;
  std::string scratch;
  Record record;
  return record::decode(line, scratch, record) == record::Verdict::forgotten;
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) noexcept {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace

Fingerprint Fingerprint::parse(std::string_view text) {
  Fingerprint parsed;
  if (text.empty()) return parsed;
  for (const auto piece : base::split(text, ' ')) {
    const auto colon = std::min(piece.find(':'), piece.size() - 1);
    const auto bytes = parse_number(piece.substr(0, colon), 10);
    const auto hash = parse_number(piece.substr(colon + 1), 16);
    if (!bytes || !hash || parsed.lines_.size() == kMostLines) return {};
    parsed.lines_.push_back({*bytes, *hash});
  }
  return parsed;
}

std::string Fingerprint::to_text() const {
  std::string text;
  for (const auto& line : lines_) {
    char piece[48];
    std::snprintf(piece, sizeof piece, "%s%llu:%016llx", text.empty() ? "" : " ",
                  static_cast<unsigned long long>(line.bytes),
                  static_cast<unsigned long long>(line.hash));
    text += piece;
  }
  return text;
}

std::uint64_t Fingerprint::bytes() const noexcept {
  std::uint64_t total = 0;
  for (const auto& line : lines_) total += line.bytes;
  return total;
}

void Fingerprint::extend(std::uint64_t offset, std::string_view lines) {
  if (lines_.size() == kMostLines) return;
  auto total = bytes();
  if (offset != total) return;
  for (std::size_t end; lines_.size() < kMostLines; lines.remove_prefix(end + 1)) {
    end = lines.find('\n');
    if (end == lines.npos || total + end >= kMostBytes) return;
    total += end + 1;
    lines_.push_back({end + 1, base::fnv1a(lines.substr(0, end))});
  }
}

bool Fingerprint::matches(std::string_view head) const {
  bool has_line = false;
  for (const auto& line : lines_) {
    const auto end = head.find('\n');
    if (end == head.npos) break;
    const auto now = head.substr(0, end);
    if (end + 1 != line.bytes || (base::fnv1a(now) != line.hash && !is_erased(now))) return false;
    has_line = true;
    head.remove_prefix(end + 1);
  }
  return has_line || lines_.empty();
}

}  // namespace manhattan::log
