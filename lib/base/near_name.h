// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::base {

/// The one of `known` that a person who typed `typed` most likely meant: it differs in the case of
/// letters, or in one to three characters of a longer name. Names whose digits differ are different
/// names: `Step 2` is no slip for `Step 1`.
std::optional<std::string> near_name(std::string_view typed, const std::vector<std::string>& known);

/// `; did you mean 'NAME'?`, or nothing.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known);

}  // namespace manhattan::base
