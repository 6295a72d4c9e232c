// SPDX-License-Identifier: MIT
#include "log/segment.h"

#include <algorithm>
#include <charconv>

namespace manhattan::log {

std::string segment_path(const std::string& prefix, UnixNanos at) {
  const auto hour = std::chrono::floor<std::chrono::hours>(at);
  const auto epoch = std::chrono::duration_cast<std::chrono::seconds>(hour.time_since_epoch());
  return prefix + "." + std::to_string(epoch.count());
}

std::optional<std::int64_t> segment_hour_s(std::string_view path, const std::string& prefix) {
  if (!path.starts_with(prefix + ".")) return std::nullopt;
  const auto digits = path.substr(prefix.size() + 1);
  std::int64_t hour_s = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, hour_s);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return hour_s;
}

std::vector<std::string> list_segments(base::Files& files, const std::string& prefix) {
  const auto folder = base::folder_of(prefix);
  const auto own = prefix.substr(0, prefix.size() - base::name_of(prefix).size());
  std::vector<std::pair<std::int64_t, std::string>> segments;
  for (const auto& name : files.list(folder)) {
    const auto path = own + name;
    if (const auto hour_s = segment_hour_s(path, prefix)) segments.emplace_back(*hour_s, path);
  }
  std::sort(segments.begin(), segments.end());
  std::vector<std::string> paths;
  for (auto& [hour_s, path] : segments) paths.push_back(std::move(path));
  return paths;
}

}  // namespace manhattan::log
