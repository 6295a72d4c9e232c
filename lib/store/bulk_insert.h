// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/sql.h"
#include "store/store.h"

namespace manhattan::store {

/// What a table holds before rows come into it.
enum class Before { nothing, rows };

/// Inserts many rows into one table, or merges them with those there, as many a statement as the
/// database likes best.
///
/// Owns:    nothing; the connection must outlive it.
/// Errors:  StoreError.
template <class C>
class BulkInsert {
 public:
  BulkInsert(C& connection, const Table& table, Before before)
      : connection_(connection), table_(table), before_(before) {}

  /// `bind(to, row)` calls `to.bind(...)` once a column, in the table's order. `rows` is a vector;
  /// sorted by key, lest two writers deadlock.
  template <class Rows, class Bind>
  void insert(const Rows& rows, const Bind& bind) {
    for (std::size_t done = 0; done < rows.size();) {
      const auto step = step_for(rows, done, bind);
      auto& statement = prepared(step);
      const auto end = done + C::kWriteBatches[step];
      for (; done < end; ++done) bind(statement, rows[done]);
      statement.run();
    }
  }

 private:
  struct Measure {
    void bind(std::int64_t) { bytes += 9; }
    void bind(std::string_view value) { bytes += 9 + value.size(); }
    void bind(Text value) { bytes += 9 + value.text.size(); }
    template <int Places>
    void bind(const FixedPoint<Places>&) {
      constexpr std::size_t kMostDigits = 41;  // with sign and point
      bytes += 9 + kMostDigits;
    }
    std::size_t bytes = 0;
  };

  /// Index of the largest batch that the rows left fill and one statement can carry.
  template <class Rows, class Bind>
  std::size_t step_for(const Rows& rows, std::size_t done, const Bind& bind) {
    Measure measure;
    std::size_t fitting = 0;
    while (fitting < C::kWriteBatches[0] && done + fitting < rows.size()) {
      bind(measure, rows[done + fitting]);
      if (measure.bytes > connection_.max_statement_bytes()) break;
      ++fitting;
    }
    if (fitting == 0)
      throw StoreError("store '" + connection_.name() + "': a row of " +
                           std::to_string(measure.bytes) + " bytes for table '" + table_.name +
                           "' is more than the database takes",
                       StoreError::Retry::no);
    std::size_t step = 0;
    while (C::kWriteBatches[step] > fitting) ++step;
    return step;
  }

  typename C::Statement& prepared(std::size_t step) {
    if (statements_[step] == nullptr) {
      const auto rows = C::kWriteBatches[step];
      statements_[step] = &connection_.statement(
          before_ == Before::nothing ? insertion(table_, rows) : upsert(C::kDialect, table_, rows));
    }
    return *statements_[step];
  }

  C& connection_;
  const Table& table_;
  const Before before_;
  std::array<typename C::Statement*, C::kWriteBatches.size()> statements_{};
};

}  // namespace manhattan::store
