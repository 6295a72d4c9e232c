// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "store/bulk_insert.h"
#include "store/sql.h"
#include "store/store.h"

namespace manhattan::store {

/// The Store of any database that a Connection speaks to.
template <Connection C>
class SqlStore final : public Store {
 public:
  /// Connects and makes what is missing of the schema.
  SqlStore(const Location& location, base::Pulse* pulse);

  State load() override;
  void claim() override;
  void set(const std::string& name, const std::string& value) override;
  void check_writable() override;
  std::optional<count::NameId> find_name(std::string_view name) override;
  std::optional<count::GoalKind> find_goal(count::NameId goal) override;
  std::vector<count::VisitorRow> find_visitors(std::span<const std::string> visitors) override;
  void commit(const count::Flush& flush) override;
  std::int64_t forget(std::span<const std::string> visitors) override;

 private:
  /// The connection; a new one where the database closed it while it was idle. For the first
  /// statement of anything that belongs together.
  C& alive();
  void claim_number(std::int64_t number);
  void forget_visitors(const count::Flush& flush);
  void write_all(const count::Flush& flush);
  void write_goals(const count::Flush& flush);
  void write_counters(const count::Flush& flush);
  void write_squares(const count::Flush& flush);
  void write_visitors(const count::Flush& flush);
  void write_progress(const count::Flush& flush);
  void load_meta(State& state);

  template <class Rows, class Bind>
  void write(const Table& table, const Rows& rows, const Bind& bind, Before before = Before::rows) {
    BulkInsert<C>(*connection_, table, before).insert(rows, [&](auto& to, const auto& row) {
      if (pulse_ != nullptr) pulse_->go_on();
      bind(to, row);
    });
  }

  static constexpr std::chrono::seconds kIdle{1};  // so long nobody closes a connection

  const Location location_;
  std::optional<C> connection_;
  std::chrono::steady_clock::time_point used_at_;
  bool is_claimed_ = false;
  base::Pulse* const pulse_;
};

}  // namespace manhattan::store
