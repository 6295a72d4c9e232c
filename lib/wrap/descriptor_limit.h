// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

namespace manhattan::wrap {

/// Lets this process open as many descriptors as its hard limit allows. The limit it had, which
/// programs are to find: many loop over all descriptors, or use select(2).
rlimit raise_descriptor_limit() noexcept;

}  // namespace manhattan::wrap
