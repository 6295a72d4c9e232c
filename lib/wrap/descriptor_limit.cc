// SPDX-License-Identifier: MIT
#include "wrap/descriptor_limit.h"

namespace manhattan::wrap {

rlimit raise_descriptor_limit() noexcept {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return limit;
}

}  // namespace manhattan::wrap
