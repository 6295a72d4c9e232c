// SPDX-License-Identifier: MIT
// What the ring is measured beside, and how all of them are measured.
#pragma once

#include <time.h>

#include <functional>
#include <string>

namespace manhattan::bench {

double now_ns(clockid_t clock);
/// Of this thread, to the nth CPU there is.
void pin(int cpu);
/// CPU nanoseconds a call of `body`, on this thread.
double cost(long calls, const std::function<void()>& body);
/// Runs `writer(n)` on `threads` threads at once, each pinned, and gives the mean of what they say.
double mean_cost(int threads, const std::function<double(int)>& writer);

/// The floor: a copy, one atomic, the time; into as much memory as a ring has.
double floor_cost(const std::string& folder, const std::string& line, long calls, int threads);
/// flock, write, unlock: what the original does.
double flock_cost(const std::string& folder, const std::string& line, long calls, int threads);
/// boost::interprocess::message_queue, with room for all.
double queue_cost(const std::string& folder, const std::string& line, long calls, int threads);
/// A datagram to a UNIX socket, that somebody reads: syslog's shape.
double datagram_cost(const std::string& folder, const std::string& line, long calls, int threads);

}  // namespace manhattan::bench
