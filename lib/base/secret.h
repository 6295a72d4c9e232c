// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace manhattan::base {

/// The whole of a file that only its owner and group can read. ConfigError where others can, and
/// where it can't be read.
std::string read_secret(const std::string& path);

}  // namespace manhattan::base
