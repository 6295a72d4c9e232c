// SPDX-License-Identifier: MIT
#include "base/error.h"

#include <cerrno>

namespace manhattan {

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

}  // namespace manhattan
