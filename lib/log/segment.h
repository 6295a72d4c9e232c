// SPDX-License-Identifier: MIT
// The names of the text log's hourly files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"

namespace manhattan::log {

/// `PREFIX.<epoch of the UTC hour>` for a record taken in at `at`.
std::string segment_path(const std::string& prefix, UnixNanos at);

/// The hour in a segment's name, in seconds; nothing where `name` is no segment of `prefix`
/// (`PREFIX.spill`, `PREFIX.lock`, `PREFIX.1_old`).
std::optional<std::int64_t> segment_hour_s(std::string_view path, const std::string& prefix);

/// Paths of all segments of `prefix`, oldest hour first. IoError where the folder can't be read.
std::vector<std::string> list_segments(base::Files& files, const std::string& prefix);

/// Where the next record to count stands: `file:offset`, as the original keeps it.
struct Pointer {
  std::string file;  ///< the segment's path
  std::uint64_t offset = 0;

  std::string to_string() const { return file + ":" + std::to_string(offset); }
  friend auto operator<=>(const Pointer&, const Pointer&) = default;
};

}  // namespace manhattan::log
