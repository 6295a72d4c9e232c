// SPDX-License-Identifier: MIT
#include "base/write.h"

#include <unistd.h>

#include <cerrno>

namespace manhattan::base {

bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace manhattan::base
