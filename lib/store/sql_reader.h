// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/sql.h"
#include "store/store.h"

namespace manhattan::store {

/// The Reader of any database that a Connection speaks to. Connects at its first read.
template <Connection C>
class SqlReader final : public Reader {
 public:
  explicit SqlReader(const Location& location) : location_(location) {}

  void begin() override;
  void end() noexcept override;
  Counter counter(const CounterQuery& query, const std::string& bucket) override;
  SquareSum square(const CounterQuery& query) override;
  std::int64_t shown_several(const std::string& split, std::int32_t site) override;
  std::vector<BucketCounter> series(const CounterQuery& query, const std::string& first,
                                    const std::string& last, std::size_t most) override;
  std::vector<BucketCounter> largest(const CounterQuery& query, std::size_t most) override;
  std::vector<GoalInfo> goals() override;
  std::optional<GoalInfo> goal(const std::string& name) override;
  std::vector<SplitInfo> splits() override;
  std::vector<std::string> populations(const std::string& split) override;
  std::map<std::string, std::int64_t> tallies() override;
  std::string pointer() override;
  std::map<std::string, std::string> settings() override;
  std::map<std::string, std::uint64_t> segments() override;

 private:
  /// The numbers of a query's names.
  struct Key {
    count::NameId goal = 0, split = 0, population = 0, rollup = 0;
  };
  static constexpr std::size_t kMaxNames = 65536;

  C& connection();
  std::optional<count::NameId> number_of(const std::string& name);
  std::optional<Key> key_of(const CounterQuery& query);
  template <class Number>
  Number number_in(const std::string& text) const;
  Counter counter_of(typename C::Rows& rows, int first_column);

  const Location location_;
  std::optional<C> connection_;
  bool is_in_snapshot_ = false;
  // A name's number never changes, so it is asked for once.
  std::unordered_map<std::string, count::NameId> numbers_;
};

}  // namespace manhattan::store
