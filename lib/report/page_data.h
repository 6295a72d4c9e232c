// SPDX-License-Identifier: MIT
// What a report shows, asked of a server.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/message.h"
#include "report/plot.h"
#include "report/split_analysis.h"

namespace manhattan::report {

/// Something that a question names is not there.
struct MissingError : Error {
  using Error::Error;
};

/// Sends one question; what Client::call throws.
using Call = std::function<nlohmann::json(const query::Request&)>;

struct PageOptions {
  std::string title = "Manhattan";
  std::string rollup = {};           ///< of the series; empty: the finest day or longer there is
  std::optional<std::int64_t> site;  ///< else all together
  double alpha = 0.05;
  std::int64_t refresh_s = 0;  ///< 0: never
  std::optional<std::int64_t> asked_at_s = {};
};

/// Visitors by one rollup that is not of time.
struct BarSection {
  std::string title;
  std::vector<PlotPoint> points;  ///< the most visitors first
};

struct GoalLine {
  std::string name;
  std::string value_type;
  std::int64_t visitors = 0;
  double value = 0;
};

struct PageData {
  PageOptions options;
  std::string version;
  std::int64_t viewers = 0;  ///< visitors who viewed a page
  std::vector<GoalLine> goals;
  std::vector<PlotPoint> viewers_by_time;
  std::vector<BarSection> sections;
  std::vector<SplitAnalysis> splits;
  std::vector<std::pair<std::string, std::int64_t>> tallies;
  std::vector<std::string> warnings;                ///< of the server, for who runs it
  std::size_t hidden_goals = 0, hidden_splits = 0;  ///< beyond what a page can show
};

/// DamageError where an answer is of another shape.
/// MissingError where it has no rollup of the name in `options`.
PageData ask_page(const Call& call, const PageOptions& options);

}  // namespace manhattan::report
