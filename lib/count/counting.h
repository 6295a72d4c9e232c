// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <vector>

#include "count/complex_goal.h"
#include "count/counters.h"
#include "count/history.h"
#include "count/names.h"
#include "count/rollup.h"
#include "record/record.h"

namespace manhattan::count {

/// What is counted, besides every goal and split under its own name.
struct Rules {
  std::vector<Rollup> rollups;
  std::vector<ComplexGoal> complex_goals;
};

/// Turns one record of a human visitor into changed counters and a changed history.
///
/// Owns:    nothing; `names` and `counters` must outlive it.
/// Threads: one.
/// Errors:  only what the store's lookups behind `names` and `counters` throw.
/// Source:  manhattan(7), COUNTING.
class Counting {
 public:
  Counting(Rules rules, Names& names, Counters& counters);

  /// Counts `record`, which is of the visitor of `history`.
  void count(const Record& record, History& history);

 private:
  struct ComplexRule {
    NameId goal = 0;
    std::vector<NameId> includes;
    std::vector<NameId> excludes;
  };
  /// The place and time of one record, as counters know it.
  struct Scene {
    std::int32_t site = 0;
    std::vector<Cell> cells;
  };
  struct Hit {
    NameId goal = 0;
    Decimal value;
  };

  Scene scene_of(const Record& record);
  NameId bucket_at(std::size_t rollup_index, UnixNanos at);
  void count_goal(const Goal& goal, const Scene& scene, History& history);
  void count_split(const Split& split, UnixNanos at, const Scene& scene, History& history);
  void reach(NameId goal, const Scene& scene, History& history);
  void follow(const ComplexRule& rule, NameId goal, const Scene& scene, History& history);
  /// Counts a hit everywhere it belongs; appends to `first` the counters it was new to.
  void convert(const Hit& hit, const Scene& scene, History& history,
               std::vector<CounterKey>* first);
  void mark(const Item& item, Decimal value, const Scene& scene, Seen& seen,
            std::vector<CounterKey>* first);

  Rules rules_;
  Names& names_;
  Counters& counters_;
  std::vector<NameId> rollup_ids_;
  std::vector<ComplexRule> complex_rules_;
  std::vector<absl::flat_hash_map<std::int64_t, NameId>> buckets_;  // one map a rollup
};

}  // namespace manhattan::count
