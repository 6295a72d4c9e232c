// SPDX-License-Identifier: MIT
// Flushes of which one can tell afterwards how many were committed, and that each was once.
#pragma once

#include <vector>

#include "count/delta.h"
#include "store/store.h"

namespace manhattan::tests {

/// All at once, for one commit after the other.
count::VisitorRows rows(std::vector<count::VisitorRow> visitors);

/// Flush `number`, which adds 1 to each of `counters` counters and to its own count of visitors.
count::Flush flush_of(std::int64_t number, int counters);

/// The store is exactly what `number` flushes of flush_of make.
void check_flushes(const store::Location& place, std::int64_t number, int counters);

}  // namespace manhattan::tests
