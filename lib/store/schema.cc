// SPDX-License-Identifier: MIT
#include "store/schema.h"

#include "base/decimal.h"

namespace manhattan::store {

// In `counter`, a split without a goal and a population counts visitors shown several of its
// populations. Its key serves a point read by its whole and a series by all but the bucket.
namespace table {
const Table meta{"meta", {{"name", Type::word, Merge::key}, {"value", Type::blob, Merge::replace}}};
const Table name{"name", {{"id", Type::id, Merge::key}, {"name", Type::bytes, Merge::unique}}};
const Table counter{"counter",
                    {{"goal", Type::id, Merge::key},
                     {"split", Type::id, Merge::key},
                     {"population", Type::id, Merge::key},
                     {"rollup", Type::id, Merge::key},
                     {"site", Type::integer, Merge::key},
                     {"bucket", Type::id, Merge::key},
                     {"count", Type::integer, Merge::add},
                     {"value", Type::decimal, Merge::add_exactly}}};
const Table square{"square",
                   {{"goal", Type::id, Merge::key},
                    {"split", Type::id, Merge::key},
                    {"population", Type::id, Merge::key},
                    {"site", Type::integer, Merge::key},
                    {"total", Type::square, Merge::add_exactly}}};
const Table goal{"goal",
                 {{"id", Type::id, Merge::key},
                  {"value_type", Type::letter, Merge::keep_first},
                  {"value_format", Type::letter, Merge::keep_first}}};
const Table split{"split",
                  {{"id", Type::id, Merge::key},
                   {"first_at", Type::integer, Merge::smallest},
                   {"last_at", Type::integer, Merge::largest}}};
const Table visitor{"visitor",
                    {{"visitor", Type::bytes, Merge::key},
                     {"is_human", Type::flag, Merge::replace},
                     {"history", Type::blob, Merge::replace},
                     {"last_at", Type::second, Merge::replace}}};
const Table tally{"tally",
                  {{"name", Type::word, Merge::key}, {"count", Type::integer, Merge::add}}};
const Table segment{"segment",
                    {{"file", Type::path, Merge::key},
                     {"offset_bytes", Type::integer, Merge::replace},
                     {"begins", Type::bytes, Merge::replace}}};
}  // namespace table

namespace {

// 38 digits, the first a 4 and the rest nines: where Decimal and SquareSum saturate.
std::string most(Type type) {
  const std::size_t places = type == Type::square ? SquareSum::kPlaces : Decimal::kPlaces;
  return "4" + std::string(37 - places, '9') + "." + std::string(places, '9');
}

std::string type_text(Dialect dialect, Type type) {
  const bool is_sqlite = dialect == Dialect::sqlite;
  switch (type) {
    case Type::id:
      return is_sqlite ? "INTEGER" : "INT UNSIGNED";
    case Type::integer:
    case Type::second:
      return is_sqlite ? "INTEGER" : "BIGINT";
    case Type::flag:
      return is_sqlite ? "INTEGER" : "TINYINT";
    case Type::letter:
      return is_sqlite ? "TEXT" : "VARCHAR(1) CHARACTER SET ascii COLLATE ascii_bin";
    case Type::word:
      return is_sqlite ? "TEXT" : "VARBINARY(255)";
    case Type::bytes:
      return is_sqlite ? "BLOB" : "VARBINARY(1024)";
    case Type::path:
      return is_sqlite ? "BLOB" : "VARBINARY(3000)";
    case Type::blob:
      return is_sqlite ? "BLOB" : "LONGBLOB";
    case Type::decimal:
      return is_sqlite ? "TEXT" : "DECIMAL(38,9)";
    case Type::square:
      break;
  }
  return is_sqlite ? "TEXT" : "DECIMAL(38,12)";
}

std::string key_text(const Table& table) {
  std::string text;
  for (const auto& column : table.columns)
    if (column.merge == Merge::key) text += (text.empty() ? "" : ", ") + std::string(column.name);
  return text;
}

constexpr const char* kConversions = "conversion_counts";
constexpr const char* kImpressions = "impression_counts";
constexpr const char* kVariantConversions = "variant_conversion_counts";

// Humans have no last_at. On SQLite they are not in the index, so that writing them costs nothing;
// MySQL has no such index, but there their entries never change.
constexpr const char* kIndexOfSqlite =
    "CREATE INDEX IF NOT EXISTS visitor_last_at ON visitor (last_at) WHERE last_at > 0";
constexpr const char* kKeyOfMysql = "KEY visitor_last_at (last_at)";

std::string table_text(Dialect dialect, const Table& table) {
  std::string text = std::string("CREATE TABLE IF NOT EXISTS ") + table.name + " (";
  for (const auto& column : table.columns) {
    text += std::string(column.name) + ' ' + type_text(dialect, column.type) + " NOT NULL";
    if (column.type == Type::second) text += " DEFAULT 0";
    text += column.merge == Merge::unique ? " UNIQUE, " : ", ";
  }
  text += "PRIMARY KEY (" + key_text(table) + ")";
  if (dialect == Dialect::mysql && &table == &table::visitor)
    text += std::string(", ") + kKeyOfMysql;
  text += ')';
  if (dialect == Dialect::mysql) return text + " ENGINE=InnoDB ROW_FORMAT=DYNAMIC";
  // A table keyed by one integer is a rowid table at its best; any other would be stored twice.
  const bool has_rowid = std::string_view(table.columns.front().name) == "id";
  return text + (has_rowid ? " STRICT" : " STRICT, WITHOUT ROWID");
}

// Names are kept as bytes, so that no collation merges two; views show them as text.
std::string readable(Dialect dialect, const char* column, const char* shown_as) {
  const auto bytes = std::string("COALESCE(") + column + ", '')";
  const auto text = dialect == Dialect::sqlite
                        ? "CAST(" + bytes + " AS TEXT)"
                        : "CONVERT(" + bytes + " USING utf8mb4) COLLATE utf8mb4_bin";
  return text + " AS " + shown_as + ", ";
}

// Without the rows of all sites together, a sum over site_id means what it did in the original.
std::string view_text(Dialect dialect, const char* view, const std::string& columns,
                      const char* condition) {
  const std::string create = dialect == Dialect::sqlite
                                 ? "CREATE VIEW IF NOT EXISTS "
                                 : "CREATE OR REPLACE SQL SECURITY INVOKER VIEW ";
  return create + view + " AS SELECT " + columns +
         " FROM counter c"
         " LEFT JOIN name g ON g.id = c.goal LEFT JOIN name s ON s.id = c.split"
         " LEFT JOIN name p ON p.id = c.population LEFT JOIN name r ON r.id = c.rollup"
         " LEFT JOIN name b ON b.id = c.bucket WHERE c.site >= 0 AND " +
         condition;
}

void append_views(Dialect dialect, std::vector<std::string>& statements) {
  const auto shown = [&](const char* column, const char* as) {
    return readable(dialect, column, as);
  };
  const auto place = shown("r.name", "rollup_key") + shown("b.name", "bucket_id") +
                     "c.site AS site_id, c.count AS count";
  statements.push_back(view_text(dialect, kConversions,
                                 shown("g.name", "name") + place + ", c.value AS value",
                                 "c.goal > 0 AND c.split = 0"));
  statements.push_back(view_text(dialect, kImpressions,
                                 shown("s.name", "name") + shown("p.name", "selected") + place,
                                 "c.goal = 0 AND c.split > 0 AND c.population > 0"));
  statements.push_back(view_text(dialect, kVariantConversions,
                                 shown("g.name", "goal_name") + shown("s.name", "test_name") +
                                     shown("p.name", "selected") + place + ", c.value AS value",
                                 "c.goal > 0 AND c.split > 0"));
}

std::string merge_text(Dialect dialect, const Table& table, const Column& column) {
  const bool is_sqlite = dialect == Dialect::sqlite;
  const std::string name = column.name;
  const auto old_value = std::string(table.name) + '.' + name;
  // VALUES() is right on MySQL and MariaDB; the row alias of MySQL 8 is an error on MariaDB.
  const auto new_value = is_sqlite ? "excluded." + name : "VALUES(" + name + ")";
  const auto both = "(" + old_value + ", " + new_value + ")";
  switch (column.merge) {
    case Merge::add:
      return old_value + " + " + new_value;
    case Merge::add_exactly:
      if (is_sqlite) return (column.type == Type::square ? "square_add" : "decimal_add") + both;
      return "LEAST(GREATEST(" + old_value + " + " + new_value + ", -" + most(column.type) + "), " +
             most(column.type) + ")";
    case Merge::smallest:
      return (is_sqlite ? "min" : "LEAST") + both;
    case Merge::largest:
      return (is_sqlite ? "max" : "GREATEST") + both;
    case Merge::keep_first:
      return "CASE WHEN " + old_value + " = '' THEN " + new_value + " ELSE " + old_value + " END";
    case Merge::key:
    case Merge::unique:
    case Merge::replace:
      break;
  }
  return new_value;
}

}  // namespace

const std::vector<const Table*>& tables() {
  static const std::vector<const Table*> all{&table::meta,    &table::name,  &table::counter,
                                             &table::square,  &table::goal,  &table::split,
                                             &table::visitor, &table::tally, &table::segment};
  return all;
}

const std::vector<std::string>& later_names() {
  static const std::vector<std::string> all{"visitor_last_at", kConversions, kImpressions,
                                            kVariantConversions};
  return all;
}

std::vector<std::string> creation(Dialect dialect) {
  std::vector<std::string> statements;
  for (const auto* table : tables()) statements.push_back(table_text(dialect, *table));
  if (dialect == Dialect::sqlite) statements.emplace_back(kIndexOfSqlite);
  append_views(dialect, statements);
  // The version comes with the last statement: a store without it is still to be finished.
  const auto literal = [&](const std::string& text) {
    return dialect == Dialect::sqlite ? "CAST('" + text + "' AS BLOB)" : "'" + text + "'";
  };
  statements.push_back("INSERT INTO meta (name, value) VALUES ('flush_number', " + literal("0") +
                       "), ('pointer', " + literal("") + "), ('schema_version', " +
                       literal(std::to_string(kSchemaVersion)) + ")");
  return statements;
}

// MySQL commits each statement by itself: a server killed after it finds it done the next time.
std::vector<Migration> migrations(Dialect dialect, int version) {
  const bool is_sqlite = dialect == Dialect::sqlite;
  const auto has_column = [&](const std::string& table, const std::string& column) {
    return is_sqlite
               ? "SELECT 1 FROM pragma_table_info('" + table + "') WHERE name = '" + column + "'"
               : "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE()"
                 " AND table_name = '" +
                     table + "' AND column_name = '" + column + "'";
  };
  std::vector<Migration> steps;
  if (version < 2) {
    std::string add = "ALTER TABLE visitor ADD COLUMN last_at ";
    add += type_text(dialect, Type::second) + " NOT NULL DEFAULT 0";
    if (!is_sqlite) add += std::string(", ADD ") + kKeyOfMysql;
    steps.push_back({has_column("visitor", "last_at"), add});
    if (is_sqlite)
      steps.push_back(
          {"SELECT 1 FROM sqlite_master WHERE name = 'visitor_last_at'", kIndexOfSqlite});
  }
  // Version 3 reads what it finds.
  if (version < 4)
    steps.push_back({has_column("segment", "begins"),
                     "ALTER TABLE segment ADD COLUMN begins " + type_text(dialect, Type::bytes) +
                         " NOT NULL DEFAULT " + (is_sqlite ? "x''" : "''")});
  return steps;
}

std::string insertion(const Table& table, std::size_t rows) {
  std::string columns, row;
  for (const auto& column : table.columns) {
    columns += (columns.empty() ? "" : ", ") + std::string(column.name);
    row += row.empty() ? "(?" : ", ?";
  }
  row += ')';
  auto text = std::string("INSERT INTO ") + table.name + " (" + columns + ") VALUES " + row;
  for (std::size_t i = 1; i < rows; ++i) text += ", " + row;
  return text;
}

std::string upsert(Dialect dialect, const Table& table, std::size_t rows) {
  std::string merged;
  for (const auto& column : table.columns) {
    if (column.merge == Merge::key || column.merge == Merge::unique) continue;
    merged += (merged.empty() ? "" : ", ") + std::string(column.name) + " = " +
              merge_text(dialect, table, column);
  }
  const auto text = insertion(table, rows);
  if (merged.empty()) return text;
  return text +
         (dialect == Dialect::sqlite ? " ON CONFLICT (" + key_text(table) + ") DO UPDATE SET "
                                     : " ON DUPLICATE KEY UPDATE ") +
         merged;
}

const char* forget_visitors(Dialect dialect) {
  // SQLite takes a LIMIT there only where it was built to, MySQL none within IN.
  return dialect == Dialect::sqlite
             ? "DELETE FROM visitor WHERE visitor IN (SELECT visitor FROM visitor"
               " WHERE is_human = 0 AND last_at > 0 AND last_at < ? ORDER BY last_at LIMIT ?)"
             : "DELETE FROM visitor WHERE is_human = 0 AND last_at > 0 AND last_at < ?"
               " ORDER BY last_at LIMIT ?";
}

const char* list_columns(Dialect dialect) {
  return dialect == Dialect::sqlite
             ? "SELECT m.name, COALESCE(c.name, '') FROM sqlite_master m"
               " LEFT JOIN pragma_table_info(m.name) c ON m.type <> 'index'"
             : "SELECT table_name, column_name FROM information_schema.columns"
               " WHERE table_schema = DATABASE()";
}

const char* begin_write(Dialect dialect) {
  return dialect == Dialect::sqlite ? "BEGIN IMMEDIATE" : "START TRANSACTION";
}

const char* begin_read(Dialect dialect) {
  return dialect == Dialect::sqlite ? "BEGIN"
                                    : "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
}

}  // namespace manhattan::store
