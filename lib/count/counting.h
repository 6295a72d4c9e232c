// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <vector>

#include "count/complex_goal.h"
#include "count/counters.h"
#include "count/history.h"
#include "count/names.h"
#include "count/rollup.h"
#include "record/record.h"
#include "record/robot_names.h"

namespace manhattan::count {

/// What is counted, besides every goal and split under its own name.
struct Rules {
  std::vector<Rollup> rollups;
  std::vector<ComplexGoal> complex_goals;
  std::string agent_patterns;                     ///< regexes.yaml, for rollups that need it
  std::string robots = record::default_robots();  ///< patterns of user agents that are left out
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
  /// A goal or the impressions (goal 0) of a block of variants on a site, about to be counted.
  struct Target {
    Row row;
    std::uint8_t mask = 0;
    Decimal value;
  };

  void set_scene(const Record& record, History& history);
  NameId bucket_in(std::size_t rollup, const Record& record, const History& history);
  NameId time_bucket(std::size_t rollup, UnixNanos at);
  NameId variant_bucket(std::size_t rollup, const History& history);
  void remember_page(const Page& page, History& history);
  void count_goal(NameId goal, Decimal value, History& history);
  void count_split(const Split& split, UnixNanos at, History& history);
  /// A visitor shown a second population is counted as such, once.
  void meet_variant(const Variant& variant, History& history);
  void count_target(const Target& target, History& history);
  void add_totals(const Target& target, std::uint32_t row, History& history);
  void follow(const ComplexRule& rule, NameId goal, History& history);
  void add_complex(const ComplexProgress& progress, std::int64_t count, const History& history);

  Rules rules_;
  Names& names_;
  Counters& counters_;
  std::unique_ptr<Agents> agents_;
  NameId viewed_page_ = 0;
  std::vector<NameId> rollup_ids_;
  std::vector<ComplexRule> complex_rules_;
  std::vector<absl::flat_hash_map<std::int64_t, NameId>> quarters_;  // one map a rollup
  std::vector<std::pair<std::int64_t, NameId>> last_quarters_;
  std::string name_storage_;

  // Of the record at hand: its site, its bucket in each rollup and where that lies open.
  std::int32_t site_ = 0;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> places_;
};

}  // namespace manhattan::count
