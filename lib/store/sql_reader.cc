// SPDX-License-Identifier: MIT
#include "store/sql_reader.h"

#include <algorithm>

#include "store/mysql_connection.h"
#include "store/sql_schema.h"
#include "store/sqlite_connection.h"

namespace manhattan::store {
template <Connection C>
C& SqlReader<C>::connection() {
  if (connection_ && !connection_->is_broken()) return *connection_;
  if (is_in_snapshot_)
    throw StoreError("store '" + location_.to_string() + "': the connection was lost in between",
                     StoreError::Retry::yes);
  connection_.reset();
  numbers_.clear();
  connection_.emplace(location_, Access::read);
  if (schema_version(*connection_)) return *connection_;
  connection_.reset();
  throw StoreError("store '" + location_.to_string() + "': has no tables yet",
                   StoreError::Retry::yes);
}

template <Connection C>
void SqlReader<C>::begin() {
  end();
  if (connection_ && !connection_->is_alive()) connection_.reset();
  connection().begin_read();
  is_in_snapshot_ = true;
}

template <Connection C>
void SqlReader<C>::end() noexcept {
  if (is_in_snapshot_ && connection_) connection_->rollback();  // nothing was written
  is_in_snapshot_ = false;
}

template <Connection C>
std::optional<count::NameId> SqlReader<C>::number_of(const std::string& name) {
  auto& connection = this->connection();
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  const auto number = find_name(connection, name);
  if (numbers_.size() >= kMaxNames) numbers_.clear();
  if (number) numbers_.emplace(name, *number);
  return number;
}

template <Connection C>
std::optional<typename SqlReader<C>::Key> SqlReader<C>::key_of(const CounterQuery& query) {
  Key key;
  const auto look_up = [this](const std::string& name, count::NameId& into) {
    if (name.empty()) return true;
    const auto number = number_of(name);
    into = number.value_or(0);
    return number.has_value();
  };
  const bool is_known = look_up(query.goal, key.goal) && look_up(query.split, key.split) &&
                        look_up(query.rollup, key.rollup);
  if (!is_known) return std::nullopt;
  if (query.split.empty()) return key;
  // A population may be named '', as a bucket may.
  const auto population = number_of(query.population);
  if (!population && !query.population.empty()) return std::nullopt;
  key.population = population.value_or(0);
  return key;
}

template <Connection C>
template <class Number>
Number SqlReader<C>::number_in(const std::string& text) const {
  const auto number = Number::parse(text);
  if (number) return *number;
  throw StoreError("store '" + location_.to_string() + "': a value is no number",
                   StoreError::Retry::no);
}

template <Connection C>
Counter SqlReader<C>::counter_of(typename C::Rows& rows, int first_column) {
  const auto count = rows.integer(first_column);
  return {count, number_in<Decimal>(rows.bytes(first_column + 1))};
}

template <Connection C>
Counter SqlReader<C>::counter(const CounterQuery& query, const std::string& bucket) {
  const auto key = key_of(query);
  const auto bucket_number = number_of(bucket);
  if (!key || (!bucket_number && !bucket.empty())) return {};
  auto rows = store::query(connection(),
                           "SELECT count, value FROM counter WHERE goal = ? AND split = ?"
                           " AND population = ? AND rollup = ? AND site = ? AND bucket = ?",
                           key->goal, key->split, key->population, key->rollup, query.site,
                           bucket_number.value_or(0));
  if (!rows.next()) return {};
  return counter_of(rows, 0);
}

template <Connection C>
SquareSum SqlReader<C>::square(const CounterQuery& query) {
  const auto key = key_of(query);
  if (!key) return {};
  auto rows = store::query(connection(),
                           "SELECT total FROM square WHERE goal = ? AND split = ?"
                           " AND population = ? AND site = ?",
                           key->goal, key->split, key->population, query.site);
  if (!rows.next()) return {};
  return number_in<SquareSum>(rows.bytes(0));
}

template <Connection C>
std::int64_t SqlReader<C>::shown_several(const std::string& split, std::int32_t site) {
  const auto key = key_of({.split = split});
  const auto bucket = number_of("0");
  if (!key || !bucket) return 0;
  auto rows = store::query(connection(),
                           "SELECT count FROM counter WHERE goal = 0 AND split = ?"
                           " AND population = 0 AND rollup = ? AND site = ? AND bucket = ?",
                           key->split, key->rollup, site, *bucket);
  return rows.next() ? rows.integer(0) : 0;
}

template <Connection C>
std::vector<BucketCounter> SqlReader<C>::series(const CounterQuery& query, const std::string& first,
                                                const std::string& last, std::size_t most) {
  const auto key = key_of(query);
  if (!key) return {};
  // x'' is the name of bucket 0 as bytes. Names are chosen here, so that no more than `most` are
  // sorted and held.
  auto rows = store::query(
      connection(),
      "SELECT COALESCE(name.name, x'') AS bucket_name, count, value FROM counter"
      " LEFT JOIN name ON name.id = counter.bucket WHERE goal = ? AND split = ?"
      " AND population = ? AND rollup = ? AND site = ? AND COALESCE(name.name, x'') >= ?"
      " AND (? = x'' OR COALESCE(name.name, x'') <= ?) ORDER BY bucket_name LIMIT ?",
      key->goal, key->split, key->population, key->rollup, query.site, std::string_view(first),
      std::string_view(last), std::string_view(last), static_cast<std::int64_t>(most));
  std::vector<BucketCounter> buckets;
  while (rows.next()) buckets.push_back({rows.bytes(0), counter_of(rows, 1)});
  return buckets;
}

template <Connection C>
std::vector<BucketCounter> SqlReader<C>::largest(const CounterQuery& query, std::size_t most) {
  const auto key = key_of(query);
  if (!key) return {};
  // The few that are wanted are chosen before any name is looked up.
  auto rows =
      store::query(connection(),
                   "SELECT COALESCE(name.name, ''), count, value FROM"
                   " (SELECT bucket, count, value FROM counter WHERE goal = ? AND split = ?"
                   " AND population = ? AND rollup = ? AND site = ? ORDER BY count DESC LIMIT ?)"
                   " AS found LEFT JOIN name ON name.id = found.bucket"
                   " ORDER BY count DESC, name.name",
                   key->goal, key->split, key->population, key->rollup, query.site,
                   static_cast<std::int64_t>(most));
  std::vector<BucketCounter> buckets;
  while (rows.next()) buckets.push_back({rows.bytes(0), counter_of(rows, 1)});
  return buckets;
}

template <Connection C>
std::vector<GoalInfo> SqlReader<C>::goals() {
  auto rows = query(connection(),
                    "SELECT name.name, value_type, value_format FROM goal"
                    " JOIN name ON name.id = goal.id ORDER BY name.name");
  std::vector<GoalInfo> goals;
  while (rows.next())
    goals.push_back({rows.bytes(0), letter_of(rows.bytes(1)), letter_of(rows.bytes(2))});
  return goals;
}

template <Connection C>
std::optional<GoalInfo> SqlReader<C>::goal(const std::string& name) {
  const auto number = number_of(name);
  if (!number) return std::nullopt;
  auto rows =
      query(connection(), "SELECT value_type, value_format FROM goal WHERE id = ?", *number);
  if (!rows.next()) return std::nullopt;
  return GoalInfo{name, letter_of(rows.bytes(0)), letter_of(rows.bytes(1))};
}

template <Connection C>
std::vector<SplitInfo> SqlReader<C>::splits() {
  auto rows = query(connection(),
                    "SELECT name.name, first_at, last_at FROM split"
                    " JOIN name ON name.id = split.id ORDER BY last_at DESC, name.name");
  std::vector<SplitInfo> splits;
  while (rows.next())
    splits.push_back({rows.bytes(0), UnixNanos(std::chrono::nanoseconds(rows.integer(1))),
                      UnixNanos(std::chrono::nanoseconds(rows.integer(2)))});
  return splits;
}

template <Connection C>
std::vector<std::string> SqlReader<C>::populations(const std::string& split) {
  const auto number = number_of(split);
  if (!number || *number == 0) return {};
  // One probe of the key a population: DISTINCT would read all of the split's impressions.
  std::vector<std::string> names;
  for (std::int64_t last = 0;;) {
    auto next = query(connection(),
                      "SELECT population FROM counter WHERE goal = 0 AND split = ?"
                      " AND population > ? ORDER BY population LIMIT 1",
                      *number, last);
    if (!next.next()) break;
    last = next.integer(0);
    auto name = query(connection(), "SELECT name FROM name WHERE id = ?", last);
    names.push_back(name.next() ? name.bytes(0) : std::string());
  }
  std::ranges::sort(names);
  return names;
}

template <Connection C>
std::map<std::string, std::int64_t> SqlReader<C>::tallies() {
  auto rows = query(connection(), "SELECT name, count FROM tally");
  std::map<std::string, std::int64_t> tallies;
  while (rows.next()) tallies[rows.bytes(0)] = rows.integer(1);
  return tallies;
}

template <Connection C>
std::string SqlReader<C>::pointer() {
  return find_meta(connection(), "pointer").value_or("");
}

template <Connection C>
std::map<std::string, std::string> SqlReader<C>::settings() {
  auto rows = query(connection(), "SELECT name, value FROM meta");
  std::map<std::string, std::string> settings;
  while (rows.next()) {
    const auto name = rows.bytes(0);
    if (name.starts_with(kSetting)) settings[name.substr(kSetting.size())] = rows.bytes(1);
  }
  return settings;
}

template <Connection C>
std::map<std::string, std::uint64_t> SqlReader<C>::segments() {
  auto rows = query(connection(), "SELECT file, offset_bytes FROM segment");
  std::map<std::string, std::uint64_t> segments;
  while (rows.next()) segments[rows.bytes(0)] = static_cast<std::uint64_t>(rows.integer(1));
  return segments;
}

template class SqlReader<SqliteConnection>;
template class SqlReader<MysqlConnection>;

}  // namespace manhattan::store
