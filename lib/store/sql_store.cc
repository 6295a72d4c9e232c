// SPDX-License-Identifier: MIT
#include "store/sql_store.h"

#include <algorithm>
#include <charconv>

#include "store/bulk_insert.h"
#include "store/mysql_connection.h"
#include "store/sql_schema.h"
#include "store/sqlite_connection.h"

namespace manhattan::store {
namespace {

constexpr std::size_t kFewVisitors = 1000;  // no flush minds them

/// `rows` in the order of `member`, as pointers.
template <class Row, class Member>
std::vector<const Row*> sorted_by(const std::vector<Row>& rows, Member member) {
  std::vector<const Row*> sorted;
  sorted.reserve(rows.size());
  for (const auto& row : rows) sorted.push_back(&row);
  std::ranges::stable_sort(
      sorted, {}, [&](const Row* row) -> const auto& { return row->*member; });
  return sorted;
}

/// What is in the tables of counters and visitors.
Before before(const count::Flush& flush) noexcept {
  return flush.number == 1 ? Before::nothing : Before::rows;
}

std::int64_t nanos_of(UnixNanos at) noexcept { return at.time_since_epoch().count(); }

}  // namespace

template <Connection C>
SqlStore<C>::SqlStore(const Location& location, base::Pulse* pulse)
    : location_(location), pulse_(pulse) {
  connection_.emplace(location, Access::write);
  make_schema(*connection_);
  used_at_ = std::chrono::steady_clock::now();
}

template <Connection C>
C& SqlStore<C>::alive() {
  const auto now = std::chrono::steady_clock::now();
  if (now - std::exchange(used_at_, now) < kIdle || connection_->is_alive()) return *connection_;
  connection_.reset();  // first: it may still hold the claim
  connection_.emplace(location_, Access::write);
  make_schema(*connection_);
  if (is_claimed_) connection_->claim();
  return *connection_;
}

template <Connection C>
void SqlStore<C>::claim() {
  alive().claim();
  is_claimed_ = true;
}

template <Connection C>
State SqlStore<C>::load() {
  Transaction transaction(alive(), begin_read(C::kDialect));
  State state;
  load_meta(state);
  if (auto rows = query(*connection_, "SELECT max(id) FROM name"); rows.next())
    state.largest_name = static_cast<count::NameId>(rows.integer(0));
  for (auto rows =
           query(*connection_, "SELECT file, offset_bytes, begins FROM segment ORDER BY file");
       rows.next();)
    state.segments.push_back(
        {rows.bytes(0), static_cast<std::uint64_t>(rows.integer(1)), rows.bytes(2)});
  transaction.commit();
  return state;
}

template <Connection C>
void SqlStore<C>::load_meta(State& state) {
  for (auto rows = query(*connection_, "SELECT name, value FROM meta"); rows.next();) {
    const auto name = rows.bytes(0);
    const auto value = rows.bytes(1);
    if (name == "pointer") state.pointer = value;
    if (name.starts_with(kSetting)) state.settings[name.substr(kSetting.size())] = value;
    if (name != "flush_number") continue;
    const auto* end = value.data() + value.size();
    if (std::from_chars(value.data(), end, state.flush_number).ptr != end || value.empty())
      throw StoreError("store '" + connection_->name() + "': its flush_number is no number",
                       StoreError::Retry::no);
  }
}

template <Connection C>
void SqlStore<C>::set(const std::string& name, const std::string& value) {
  run(alive(), upsert(C::kDialect, table::meta, 1), Text{std::string(kSetting) + name}, value);
}

template <Connection C>
void SqlStore<C>::check_writable() {
  const Transaction transaction(alive(), begin_write(C::kDialect));
  set("", "");
}

template <Connection C>
std::optional<count::NameId> SqlStore<C>::find_name(std::string_view name) {
  return store::find_name(alive(), name);
}

template <Connection C>
std::optional<count::GoalKind> SqlStore<C>::find_goal(count::NameId goal) {
  auto rows = query(alive(), "SELECT value_type, value_format FROM goal WHERE id = ?", goal);
  if (!rows.next()) return std::nullopt;
  return count::GoalKind{goal, letter_of(rows.bytes(0)), letter_of(rows.bytes(1))};
}

template <Connection C>
std::vector<count::VisitorRow> SqlStore<C>::find_visitors(std::span<const std::string> visitors) {
  std::vector<std::string_view> keys(visitors.begin(), visitors.end());
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<count::VisitorRow> found;
  for (std::size_t done = 0; done < keys.size();) {
    const auto batch = keys.size() - done == 1 ? 1 : C::kReadBatch;
    std::string sql = "SELECT visitor, is_human, history, last_at FROM visitor WHERE visitor IN (?";
    for (std::size_t i = 1; i < batch; ++i) sql += ", ?";
    auto& statement = alive().statement(sql + ')');
    // The last statement is filled up with its last key, which finds no row twice.
    for (std::size_t i = 0; i < batch; ++i)
      statement.bind(keys[std::min(done + i, keys.size() - 1)]);
    for (auto rows = statement.select(); rows.next();)
      found.push_back({rows.bytes(0), rows.integer(1) != 0, rows.bytes(2), rows.integer(3)});
    done += batch;
  }
  return found;
}

template <Connection C>
void SqlStore<C>::commit(const count::Flush& flush) {
  if (flush.number == 1) alive().begin_filling();
  write_all(flush);
  if (flush.number == 1) connection_->end_filling();
}

template <Connection C>
void SqlStore<C>::write_all(const count::Flush& flush) {
  Transaction transaction(alive(), begin_write(C::kDialect));
  claim_number(flush.number);
  forget_visitors(flush);
  write(table::name, flush.names, [](auto& to, const auto& name) {
    to.bind(name.first);
    to.bind(std::string_view(name.second));
  });
  write_goals(flush);
  write_counters(flush);
  write_squares(flush);
  write_visitors(flush);
  write_progress(flush);
  transaction.commit();
}

template <Connection C>
std::int64_t SqlStore<C>::forget(std::span<const std::string> visitors) {
  Transaction transaction(alive(), begin_write(C::kDialect));
  State state;
  load_meta(state);
  claim_number(state.flush_number + 1);
  std::int64_t forgotten = 0;
  for (const auto& visitor : visitors)
    forgotten +=
        run(*connection_, "DELETE FROM visitor WHERE visitor = ?", std::string_view(visitor));
  const std::vector<count::TallyDelta> tallies{{"visitor_forgotten", forgotten}};
  write(table::tally, tallies, [](auto& to, const auto& tally) {
    to.bind(Text{tally.name});
    to.bind(tally.count);
  });
  transaction.commit();
  return forgotten;
}

// Also makes two servers on one store wait for each other here, and the second one fail.
template <Connection C>
void SqlStore<C>::claim_number(std::int64_t number) {
  const auto last = std::to_string(number - 1);
  const auto changed =
      run(*connection_, "UPDATE meta SET value = ? WHERE name = 'flush_number' AND value = ?",
          std::string_view(std::to_string(number)), std::string_view(last));
  if (changed == 1) return;
  throw StoreError("store '" + connection_->name() + "': flush " + std::to_string(number) +
                       " does not follow its last, another server writes to it",
                   StoreError::Retry::no);
}

// Before visitors are written: one of them who comes back now stays.
template <Connection C>
void SqlStore<C>::forget_visitors(const count::Flush& flush) {
  if (!flush.forget_before_s) return;
  // Twice as many as may come: then the old ones end, and a flush stays short.
  const auto changed = flush.visitors.count;
  const auto most = static_cast<std::int64_t>(std::max(kFewVisitors, 2 * changed));
  const auto gone =
      run(*connection_, store::forget_visitors(C::kDialect), *flush.forget_before_s, most);
  if (gone > 0) run(*connection_, upsert(C::kDialect, table::tally, 1), Text{"visitor_aged"}, gone);
}

template <Connection C>
void SqlStore<C>::write_goals(const count::Flush& flush) {
  // A goal that nobody gave a type is listed nevertheless.
  std::vector<count::GoalKind> kinds = flush.goals;
  count::NameId last = 0;
  for (const auto& [key, delta] : flush.counters) {
    if (key.goal != last) kinds.push_back({key.goal, 0, 0});
    last = key.goal;
  }
  const auto letter = [](const char& value) {
    return Text{{&value, std::size_t(value == '\0' ? 0 : 1)}};
  };
  write(table::goal, sorted_by(kinds, &count::GoalKind::goal), [&](auto& to, const auto* kind) {
    to.bind(kind->goal);
    to.bind(letter(kind->value_type));
    to.bind(letter(kind->value_format));
  });
  write(table::split, sorted_by(flush.splits, &count::SplitSpan::split),
        [](auto& to, const auto* span) {
          to.bind(span->split);
          to.bind(nanos_of(span->first_at));
          to.bind(nanos_of(span->last_at));
        });
}

template <Connection C>
void SqlStore<C>::write_counters(const count::Flush& flush) {
  write(
      table::counter, flush.counters,
      [](auto& to, const auto& counter) {
        const auto& key = counter.first;
        for (const auto id : {key.goal, key.split, key.population, key.rollup}) to.bind(id);
        to.bind(key.site);
        to.bind(key.bucket);
        to.bind(counter.second.count);
        to.bind(counter.second.value);
      },
      before(flush));
}

template <Connection C>
void SqlStore<C>::write_squares(const count::Flush& flush) {
  write(
      table::square, flush.squares,
      [](auto& to, const auto& square) {
        const auto& key = square.first;
        for (const auto id : {key.goal, key.split, key.population}) to.bind(id);
        to.bind(key.site);
        to.bind(square.second);
      },
      before(flush));
}

template <Connection C>
void SqlStore<C>::write_visitors(const count::Flush& flush) {
  const auto bind = [](auto& to, const count::VisitorRow& row) {
    to.bind(std::string_view(row.visitor));
    to.bind(row.is_human ? 1 : 0);
    to.bind(std::string_view(row.history));
    to.bind(row.is_human ? 0 : row.last_s);
  };
  if (!flush.visitors.next) return;
  for (auto rows = flush.visitors.next(); !rows.empty(); rows = flush.visitors.next())
    write(table::visitor, rows, bind, before(flush));
}

template <Connection C>
void SqlStore<C>::write_progress(const count::Flush& flush) {
  write(table::tally, sorted_by(flush.tallies, &count::TallyDelta::name),
        [](auto& to, const auto* tally) {
          to.bind(Text{tally->name});
          to.bind(tally->count);
        });
  write(table::segment, sorted_by(flush.segments, &count::SegmentOffset::file),
        [](auto& to, const auto* segment) {
          to.bind(std::string_view(segment->file));
          to.bind(static_cast<std::int64_t>(segment->offset));
          to.bind(std::string_view(segment->begins));
        });
  run(*connection_, "UPDATE meta SET value = ? WHERE name = 'pointer'",
      std::string_view(flush.pointer));
}

template class SqlStore<SqliteConnection>;
template class SqlStore<MysqlConnection>;

}  // namespace manhattan::store
