// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace manhattan::base {

/// 64-bit FNV-1a: tells texts apart that nobody makes alike on purpose.
constexpr std::uint64_t fnv1a(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace manhattan::base
