// SPDX-License-Identifier: MIT
#pragma once

namespace manhattan::base {

/// The calling thread, and each that it starts from now on, is run sooner than those that compute:
/// for threads that somebody waits for and that need little time themselves.
///
/// Two means, each where the kernel allows it: a better niceness (RLIMIT_NICE or CAP_SYS_NICE), and
/// the shortest of time slices (since Linux 6.12, anybody's). It stays bounded: no thread
/// starves. A thread whose scheduling is another than the usual keeps it.
void be_prompt() noexcept;

}  // namespace manhattan::base
