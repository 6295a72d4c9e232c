// SPDX-License-Identifier: MIT
// Taking a visitor's lines out of a text log without moving any other: manhattan-log(5),
// FORGETTING.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace manhattan::record {

/// Ids as they are counted, see fit_name().
using Visitors = std::set<std::string, std::less<>>;

/// Whether a line (with or without its newline) has to be erased: it is of one of `visitors`, or
/// is no record and mentions one, or an earlier erasing was cut short in it.
bool is_to_erase(std::string_view line, const Visitors& visitors, std::string& scratch);

/// Writes a pixel of nobody at time 0 over all of `line` (without its newline): of the same
/// length, skipped by our readers, and counted as nothing by the original.
void erase(std::span<char> line) noexcept;

/// An erased line begins so. Once these bytes are durable, is_to_erase() knows the line again
/// whatever part of the others was written; until then it has its visitor.
inline constexpr std::size_t kErasedHeadBytes = 11;

/// What decode() takes for erased.
bool is_erased(std::string_view time, std::string_view visitor) noexcept;

}  // namespace manhattan::record
