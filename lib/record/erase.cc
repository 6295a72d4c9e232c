// SPDX-License-Identifier: MIT
#include "record/erase.h"

#include <algorithm>

#include "record/escape.h"
#include "record/text_codec.h"

namespace manhattan::record {
namespace {

constexpr char kFiller = '#';
constexpr std::string_view kHead = "1\tpixel\t0\t#";
constexpr std::size_t kMostPlain = 100;  // bytes of an id that fit_name() leaves as it is, at least
constexpr std::string_view kTail = "\t0";
static_assert(kHead.size() == kErasedHeadBytes);

bool is_filler(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of(kFiller) == text.npos;
}

std::string_view without_end(std::string_view line) noexcept {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// The fourth field as it stands there; empty where there is none.
std::string_view raw_visitor(std::string_view line) noexcept {
  for (int i = 0; i < 3; ++i) {
    const auto tab = line.find('\t');
    if (tab == line.npos) return {};
    line.remove_prefix(tab + 1);
  }
  return line.substr(0, line.find('\t'));
}

bool is_cut_short(std::string_view line) noexcept {
  if (!line.starts_with(kHead)) return false;
  line.remove_prefix(kHead.size() - 1);
  return !line.ends_with(kTail) || !is_filler(line.substr(0, line.size() - kTail.size()));
}

}  // namespace

bool is_to_erase(std::string_view line, const Visitors& visitors, std::string& scratch) {
  line = without_end(line);
  if (is_cut_short(line)) return true;
  const auto raw = raw_visitor(line);
  if (visitors.contains(raw)) return true;
  scratch.clear();
  std::string storage;
  const bool may_differ = raw.size() > kMostPlain || !is_unescaped(raw);
  if (may_differ && append_unescaped(raw, scratch) == Unescape::ok &&
      visitors.contains(fit_name(scratch, storage)))
    return true;
  const bool is_mentioned = std::ranges::any_of(
      visitors, [&](const auto& visitor) { return line.find(visitor) != line.npos; });
  if (!is_mentioned) return false;
  // Of another visitor, whose URL has such a name in it; or a line that a kill has torn.
  Record record;
  const auto verdict = decode(line, scratch, record);
  return verdict != Verdict::ok && verdict != Verdict::forgotten;
}

void erase(std::span<char> line) noexcept {
  std::ranges::fill(line, kFiller);
  // Shorter: a page of which all fields at the end are missing.
  if (line.size() < kHead.size() + kTail.size()) return;
  std::ranges::copy(kHead, line.begin());
  std::ranges::copy(kTail, line.end() - static_cast<std::ptrdiff_t>(kTail.size()));
}

bool is_erased(std::string_view time, std::string_view visitor) noexcept {
  return time == "0" && is_filler(visitor);
}

}  // namespace manhattan::record
