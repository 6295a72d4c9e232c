// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "count/delta.h"
#include "store/store.h"

namespace manhattan::backend {

struct Variant {
  std::string split;
  std::string population;
};

/// Which of a goal's or a variant's counters; as it is: all visitors, ever, on all sites together.
struct Cell {
  std::optional<Variant> variant = {};
  std::string rollup = "all";
  std::string bucket = "0";
  std::int32_t site = count::kAllSites;
};

/// What a goal is worth: an exact sum, or one divided by a number of visitors.
struct GoalValue {
  Decimal numerator;
  std::int64_t denominator = 1;  ///< 0: nobody to divide by, so the value is 0

  double to_double() const noexcept;
  /// Sums as they are, quotients to nine places, half to even.
  Decimal to_decimal() const noexcept;
};

struct GoalResult {
  std::string goal;
  char value_type = 0;  ///< R, A, S, I; 0: nobody said
  std::int64_t conversions = 0;
  Decimal sum;
  GoalValue value;
  /// Of each visitor's sum, since the variant; of goals with values in results() only.
  std::optional<SquareSum> squares = {};
  std::optional<std::int64_t> viewers = {};  ///< who viewed a page: of type I there
};

struct PopulationResult {
  std::string population;
  std::int64_t visitors = 0;
  std::vector<GoalResult> goals;  ///< as asked for
};

struct SplitResult {
  std::optional<store::SplitInfo> info;       ///< none where nobody was shown the split
  std::vector<PopulationResult> populations;  ///< by name; none where nobody was shown the split
  std::int64_t visitors_without_pixel = 0;    ///< left out of everything: bots, for all we know
  std::int64_t visitors_in_several = 0;       ///< shown more than one population; in each of them
};

struct SeriesPoint {
  std::string bucket;
  std::int64_t count = 0;
  Decimal sum;
  GoalValue value;
};

/// What the counters in a store say. Each answer is of one state of it; nothing is written.
///
/// Owns:    the reader.
/// Threads: one at a time, as the reader's.
/// Blocks:  while the database answers.
/// Errors:  StoreError; later questions connect anew. Unknown names are no error: they count 0.
/// Source:  semantics of the original's Backend, documented in manhattan-query(5).
class Answers {
 public:
  explicit Answers(std::unique_ptr<store::Reader> reader) noexcept : reader_(std::move(reader)) {}

  /// Visitors who reached `goal`; without one, who were shown the variant; with both, who reached
  /// it afterwards. Neither: ConfigError.
  std::int64_t count(const std::string& goal, const Cell& cell);

  /// The value of a goal. S: the sum; A: sum / visitors who converted; I: sum / visitors who viewed
  /// a page; R: converted / viewed; all of the cell. A goal that no record gave a type: converted.
  GoalResult goal_value(const std::string& goal, const Cell& cell);

  /// Latest first.
  std::vector<store::SplitInfo> all_tests();
  /// By name.
  std::vector<store::GoalInfo> all_goals();

  SplitResult results(const std::string& split, const std::vector<std::string>& goals,
                      std::int32_t site);

  /// One point a bucket of `cell.rollup`, by name, from `first` to `last` where they are not
  /// empty, at most `most`; `cell.bucket` says nothing. Without a goal, impressions of the variant.
  std::vector<SeriesPoint> series(const std::string& goal, const Cell& cell,
                                  const std::string& first, const std::string& last,
                                  std::size_t most);
  /// The `most` buckets with the most visitors, those first.
  std::vector<SeriesPoint> largest(const std::string& goal, const Cell& cell, std::size_t most);

  struct Status {
    std::map<std::string, std::int64_t> tallies;  ///< with visitor_without_pixel, pixel_missing
    std::string pointer;
    std::vector<std::string> warnings = {};  ///< what an administrator should mend
  };
  Status status();
  /// `file:offset` after the last record counted; empty before the first.
  std::string pointer();

 private:
  GoalResult goal_result(const std::string& goal, const Cell& cell);
  GoalResult variant_result(const std::string& goal, const Cell& cell);

  std::unique_ptr<store::Reader> reader_;
};

}  // namespace manhattan::backend
