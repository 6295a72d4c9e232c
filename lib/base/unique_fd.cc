// SPDX-License-Identifier: MIT
#include "base/unique_fd.h"

#include <unistd.h>

namespace manhattan::base {

void UniqueFd::reset(int fd) noexcept {
  // Linux frees the descriptor whatever close() answers; where a lost write
  // matters the caller has called sync() first.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace manhattan::base
