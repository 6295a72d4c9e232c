// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "count/complex_goal.h"
#include "count/counters.h"
#include "count/history.h"
#include "count/names.h"
#include "count/rollup.h"
#include "record/record.h"
#include "record/robot_names.h"

namespace manhattan::count {

/// How much is remembered of one visitor, so that none makes work or takes memory without end. 0:
/// no bound. What is beyond is counted under the bucket `Other`, or left out, and tallied.
struct VisitorBounds {
  std::uint32_t buckets = 0;        ///< of each rollup
  std::uint32_t goals = 0;          ///< a goal on two sites is two
  std::uint32_t variants = 0;       ///< populations met
  std::uint64_t waiting_bytes = 0;  ///< of records that wait for the pixel
  /// Who has no pixel is forgotten once so much of the log has come since its last record, in whole
  /// hours of it: that bounds what waits of all visitors together.
  std::uint64_t waiting_log_bytes = 0;
};

/// What is counted, besides every goal and split under its own name.
struct Rules {
  std::vector<Rollup> rollups;
  std::vector<ComplexGoal> complex_goals;
  std::string agent_patterns;                     ///< regexes.yaml, for rollups that need it
  std::string robots = record::default_robots();  ///< patterns of user agents that are left out
  VisitorBounds bounds = {};
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

  void count_page(const Page& page, const Record& record, History& history);
  void count_goal(const Goal& goal, const Record& record, History& history);
  void count_split(const Split& split, const Record& record, History& history);
  void set_scene(const Record& record, History& history);
  /// The number of a name, a new one only where that is wanted.
  std::optional<NameId> number_of(std::string_view name, bool is_new_wanted);
  /// Whether a goal on a site was met before, or there is room for it.
  bool has_room_for(const Row& row, History& history) const;
  /// The bucket `Other`, in which what is beyond the visitor's bound of buckets is counted.
  NameId other();
  NameId bucket_in(std::size_t rollup, const Record& record, const History& history);
  NameId time_bucket(std::size_t rollup, UnixNanos at);
  NameId variant_bucket(std::size_t rollup, const History& history);
  void remember_page(const Page& page, History& history);
  void reach(NameId goal, Decimal value, History& history);
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
  VisitorBounds bounds_;  // UINT32_MAX: none
  NameId viewed_page_ = 0;
  NameId other_ = 0;  // 0: not wanted so far
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
