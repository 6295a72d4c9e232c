// SPDX-License-Identifier: MIT
#include "http/pixel_injector.h"

#include <algorithm>

#include "base/text.h"

namespace manhattan::http {
namespace {

constexpr std::string_view kBodyEnd = "</body";
constexpr std::size_t kMaxBlanks = 256;  // between it and its `>`; bounds what is searched again

constexpr std::size_t kBlockBytes = 64;

/// Whether a `<`, anything, `b` starts in the kBlockBytes at `text`; two bytes more are read.
/// Without a branch, so that the compiler takes 16 bytes at once: pages have a tag every 20 bytes,
/// and to search for each `<` takes several times as long.
bool has_candidate(const char* text) noexcept {
  unsigned char least = 255;
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    const auto differs = static_cast<unsigned char>((text[i] ^ '<') | ((text[i + 2] | 0x20) ^ 'b'));
    least = std::min(least, differs);
  }
  return least == 0;
}

/// The next `<` that may start a `</body>`, or its beginning at the very end; npos: there is none.
std::size_t next_candidate(std::string_view text, std::size_t from) noexcept {
  while (from + kBlockBytes + 2 <= text.size() && !has_candidate(text.data() + from)) {
    from += kBlockBytes;
  }
  return text.find('<', from);
}

enum class Match { none, partial, whole };

/// Whether `text` starts with `</body>`, blanks allowed before the `>`, or may turn out to.
Match match_body_end(std::string_view text) noexcept {
  const auto common = std::min(text.size(), kBodyEnd.size());
  if (!base::equals_ignoring_case(text.substr(0, common), kBodyEnd.substr(0, common))) {
    return Match::none;
  }
  if (text.size() <= kBodyEnd.size()) return Match::partial;
  text = text.substr(0, kBodyEnd.size() + kMaxBlanks);
  const auto next = text.find_first_not_of(" \t\r\n\f", kBodyEnd.size());
  const bool is_cut = text.size() < kBodyEnd.size() + kMaxBlanks;
  if (next == text.npos) return is_cut ? Match::partial : Match::none;
  return text[next] == '>' ? Match::whole : Match::none;
}

}  // namespace

void PixelInjector::feed(std::string_view bytes, Sink& out) {
  const bool holds_all = !held_.empty();  // mostly not: what passes on at once is not copied
  const auto text = holds_all ? std::string_view(held_.append(bytes)) : bytes;
  auto at = next_candidate(text, scanned_);
  auto last_whole = text.npos;
  auto partial = text.npos;
  for (; at != text.npos && partial == text.npos; at = next_candidate(text, at + 1)) {
    const auto match = match_body_end(text.substr(at));
    if (match == Match::whole) last_whole = at;
    if (match == Match::partial) partial = at;
  }
  const auto end = std::min(partial, text.size());
  auto pass = end;
  if (last_whole != text.npos) {
    pass = last_whole;
    has_body_end_ = true;
  } else if (has_body_end_) {
    pass = 0;
  }
  if (text.size() - pass > kMaxHeldBytes) {
    has_body_end_ = false;
    pass = text.size() - end > kMaxHeldBytes ? text.size() : end;
  }
  if (pass > 0) out.write(text.substr(0, pass));
  holds_all ? held_.erase(0, pass) : held_.assign(text.substr(pass));
  // The next search begins after the `<` of the held tag, or at the one that is still in doubt.
  scanned_ = has_body_end_ ? std::max<std::size_t>(end - pass, 1) : 0;
}

void PixelInjector::finish(Sink& out) {
  if (has_body_end_) out.write(tag_);
  abandon(out);
}

void PixelInjector::abandon(Sink& out) {
  if (!held_.empty()) out.write(held_);
  held_.clear();
  has_body_end_ = false;
  scanned_ = 0;
}

std::string pixel_tag(std::string_view path) {
  std::string escaped;
  for (const char c : path) {
    if (c == '"')
      escaped += "&quot;";
    else if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else
      escaped += c;
  }
  return "<img src=\"" + escaped + "\" alt=\"\" style=\"position:absolute;width:0;height:0\" />";
}

}  // namespace manhattan::http
