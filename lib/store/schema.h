// SPDX-License-Identifier: MIT
// The tables of manhattan-store(5), written once for both databases.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace manhattan::store {

enum class Dialect { sqlite, mysql };

/// Raised when a table changes its meaning; a store of a later version is refused.
inline constexpr int kSchemaVersion = 4;

enum class Type {
  id,       ///< count::NameId
  integer,  ///< 64 bits, signed
  second,   ///< a time, in seconds since 1970; 0, the default, where none is known
  flag,     ///< 0 or 1
  letter,   ///< one ASCII letter or nothing
  word,     ///< an identifier of ours, which a person types at an SQL prompt
  bytes,    ///< any bytes, up to 1,024: no collation, nothing padded
  path,     ///< any bytes, up to 3,000: the longest that MySQL makes a key of
  blob,     ///< any bytes
  decimal,  ///< Decimal, exact
  square,   ///< SquareSum, exact
};

/// What becomes of a column where the row is there already.
enum class Merge {
  key,
  unique,
  replace,
  add,
  add_exactly,  ///< of a decimal or a square, up to where they saturate
  smallest,
  largest,
  keep_first
};

struct Column {
  const char* name;
  Type type;
  Merge merge;
};

/// Its key columns come first, in the order of the primary key.
struct Table {
  const char* name;
  std::vector<Column> columns;
};

namespace table {
extern const Table meta, name, counter, square, goal, split, visitor, tally, segment;
}  // namespace table

/// Statements that make what is missing of the tables and views, and a new store's first rows.
std::vector<std::string> creation(Dialect dialect);

/// A step from an earlier version of the schema to the next.
struct Migration {
  std::string is_done;  ///< a query that has a row where it was taken already
  std::string statement;
};
/// The steps from `version` to kSchemaVersion, in order.
std::vector<Migration> migrations(Dialect dialect, int version);

/// All tables above, in the order in which creation() makes them.
const std::vector<const Table*>& tables();
/// Names of the index and the views that creation() makes after them.
const std::vector<std::string>& later_names();

/// INSERT of `rows` rows, none of which is there.
std::string insertion(const Table& table, std::size_t rows);
/// INSERT of `rows` rows that merges with those there. Without a column to merge it is refused for
/// a row that is there.
std::string upsert(Dialect dialect, const Table& table, std::size_t rows);

/// DELETE of visitors without a pixel; its parameters: before which second, and how many at most.
const char* forget_visitors(Dialect dialect);

/// Query of everything in the database that has a name: that name, and a column of it, or '' where
/// it has none. A row a column.
const char* list_columns(Dialect dialect);
/// Opens a transaction that will write, or one that reads one state of the database.
const char* begin_write(Dialect dialect);
const char* begin_read(Dialect dialect);

}  // namespace manhattan::store
