// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace manhattan::base {

/// Writes all of `bytes`, however often that takes. False with errno where the descriptor refuses;
/// some of them may be written then.
[[nodiscard]] bool write_all(int fd, std::string_view bytes) noexcept;

}  // namespace manhattan::base
