// SPDX-License-Identifier: MIT
// The file that holds a ring: made by the server, mapped by everybody.
#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"

namespace manhattan::ring {

/// Makes a ring of about `size_bytes` at `path` where there is none, keeps a valid one as it is.
///
/// Errors: ConfigError where what stands at `path` is no ring of this version, or `size_bytes`
///         is too small or too large; IoError where the machine refuses (no space is found out
///         here and not by a SIGBUS in a web request). Nothing half-made is left.
void ensure_ring(base::Files& files, const std::string& path, std::uint64_t size_bytes);

inline constexpr std::uint64_t kDefaultRingBytes = 64 << 20;

}  // namespace manhattan::ring
