// SPDX-License-Identifier: MIT
#include "log/forgotten.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/replacement.h"
#include "base/text.h"
#include "record/escape.h"

namespace manhattan::log {
namespace {

constexpr unsigned kMode = 0600;
constexpr std::string_view kHead = "forgotten until ";

}  // namespace

Forgotten::Forgotten(std::string prefix, base::Files& files)
    : files_(files), path_(std::move(prefix) + ".forgotten") {
  read();
}

// A head with the time in nanoseconds, and an escaped visitor a line.
void Forgotten::read() {
  const auto fd = files_.open_own(path_);
  if (!fd) return;
  const auto text = base::read_all(files_, fd.get(), path_);
  auto lines = base::split(text, '\n');
  std::int64_t until_ns = 0;
  const auto head = lines.front();
  const auto number = head.substr(std::min(kHead.size(), head.size()));
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), until_ns);
  if (!head.starts_with(kHead) || error != std::errc{} || end != number.data() + number.size())
    throw ConfigError("'" + path_ + "' is no list of forgotten visitors");
  until_ = UnixNanos(std::chrono::nanoseconds(until_ns));
  for (const auto line : std::span(lines).subspan(1)) {
    std::string visitor;
    if (!line.empty() && record::append_unescaped(line, visitor) == record::Unescape::ok)
      visitors_.insert(visitor);
  }
}

void Forgotten::add(const record::Visitors& visitors, UnixNanos now) {
  visitors_.insert(visitors.begin(), visitors.end());
  until_ = std::max(until_, now);
  std::string text(kHead);
  text += std::to_string(until_.time_since_epoch().count()) + "\n";
  for (const auto& visitor : visitors_) {
    record::append_escaped(visitor, text);
    text.push_back('\n');
  }
  base::Replacement replacement(files_, path_, kMode);
  files_.write_all(replacement.fd(), text, replacement.path());
  replacement.commit();
}

std::string_view Forgotten::erased(std::string_view lines) {
  if (visitors_.empty()) return lines;
  lines_ = lines;
  return erase_lines(lines_, visitors_).empty() ? lines : std::string_view(lines_);
}

void Forgotten::passed(UnixNanos at) {
  if (visitors_.empty() || at <= until_) return;
  files_.remove(path_);
  visitors_.clear();
}

std::vector<ErasedLine> erase_lines(std::string& lines, const record::Visitors& visitors) {
  std::vector<ErasedLine> erased;
  std::string scratch;
  for (std::size_t start = 0; start < lines.size();) {
    const auto end = std::min(lines.find('\n', start), lines.size());
    const std::span<char> line(lines.data() + start, end - start);
    if (record::is_to_erase({line.data(), line.size()}, visitors, scratch)) {
      record::erase(line);
      erased.push_back({start, line.size()});
    }
    start = end + 1;
  }
  return erased;
}

}  // namespace manhattan::log
