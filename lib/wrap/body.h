// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include "base/unique_fd.h"
#include "wrap/client.h"

namespace manhattan::wrap {

/// A request's body, as a program will read it.
struct Body {
  base::UniqueFd descriptor;  ///< a pipe or a file at its start; none where there is no body
  std::uint64_t size_bytes = 0;
};

/// Reads the whole body off `client`, so that a program which reads it late, or never, holds up
/// nobody: up to 64 KiB into a pipe, up to 1 MiB into memory, more, or of unknown length (0), into
/// an unnamed file in TMPDIR or /var/tmp. Nothing where it can't be kept.
std::optional<Body> read_body(Client& client, std::uint64_t declared_bytes);

}  // namespace manhattan::wrap
