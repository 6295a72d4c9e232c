// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace manhattan::http {

constexpr std::size_t kNameKinds = 64;

/// Which of kNameKinds the name of a CGI variable is: by its length, end and middle, as names
/// mostly begin alike.
constexpr std::size_t kind_of(std::string_view name) noexcept {
  const auto at = [&](std::size_t i) -> std::size_t { return static_cast<unsigned char>(name[i]); };
  if (name.empty()) return 0;
  return (name.size() * 5 + at(name.size() - 1) + at(name.size() / 2) * 6) % kNameKinds;
}

}  // namespace manhattan::http
