// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace manhattan::base {

/// What to tell a person who may not use the file at `path` (EACCES), or may not go through a
/// folder on the way to it: which of them it is, and which group to join where its group may.
std::string denial_of(const std::string& path);

}  // namespace manhattan::base
