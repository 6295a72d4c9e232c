// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace manhattan::report {

/// Gauges `manhattan_NAME` in Prometheus's text format, as node_exporter's textfile collector reads
/// it; `_ms` and `_us` at the end of a name become seconds. `labels` are those of `manhattan_info`.
std::string prometheus_text(const std::map<std::string, std::string>& labels,
                            const std::map<std::string, std::int64_t>& numbers);

}  // namespace manhattan::report
