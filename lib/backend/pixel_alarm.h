// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace manhattan::backend {

/// Whether visitors fetch the pixel, without which nobody is counted: a site whose web server does
/// not lead it to manhattan-fcgi looks healthy, records pages and counts nothing.
///
/// It is missing where the store holds no pixel at all, of anybody, though kLeastVisitors that are
/// no known robots were seen, and kLeastReturns pages more than those visitors: each of these was
/// asked for with a cookie that had come back, which most robots never send. All of it is in the
/// store's own tallies, so a restart or a replay comes to the same end.
enum class Pixels { have_come, too_few_pages, missing };

inline constexpr std::int64_t kLeastVisitors = 10;
inline constexpr std::int64_t kLeastReturns = 10;

/// Of the tallies of a store.
Pixels pixels_of(const std::map<std::string, std::int64_t>& tallies);

/// What to tell an administrator where it is missing: one line, with the likely reasons.
std::string missing_pixel_text(const std::map<std::string, std::int64_t>& tallies);

}  // namespace manhattan::backend
