// SPDX-License-Identifier: MIT
// Whether a database has our tables, and making them.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "store/sql.h"
#include "store/store.h"

namespace manhattan::store {

/// Before the name of a setting, in the table meta.
inline constexpr std::string_view kSetting = "setting.";

/// What a database holds: the columns of everything with a name, all in lower case, as neither
/// database tells names apart by case everywhere.
template <class C>
std::map<std::string, std::set<std::string>> columns_in(C& connection) {
  std::map<std::string, std::set<std::string>> columns;
  for (auto rows = query(connection, list_columns(C::kDialect)); rows.next();)
    columns[base::to_lower(rows.bytes(0))].insert(base::to_lower(rows.bytes(1)));
  return columns;
}

/// The name of the first thing in the database that has a name of ours and was not made by us;
/// nothing where there is none. An earlier version of a table lacks some columns, so a table is
/// ours if all that it has are ours. `is_finished`: the schema was made once. Before that, tables
/// are made in order and then the rest: what is there although something before it is missing is
/// foreign.
inline std::optional<std::string> find_foreign(
    const std::map<std::string, std::set<std::string>>& columns, bool is_finished) {
  bool may_follow = true;
  for (const auto* table : tables()) {
    const auto found = columns.find(table->name);
    if (found == columns.end()) {
      may_follow = is_finished;
      continue;
    }
    std::set<std::string> ours;
    for (const auto& column : table->columns) ours.insert(column.name);
    if (!may_follow || !std::ranges::includes(ours, found->second)) return table->name;
  }
  for (const auto& name : later_names())
    if (!may_follow && columns.contains(name)) return name;
  return std::nullopt;
}

/// The version of the store's schema; nothing where it has none or an unfinished one. ConfigError
/// where it is of a later version, or where something of another program has a name of ours.
template <class C>
std::optional<int> schema_version(C& connection) {
  const auto found = columns_in(connection);
  std::optional<std::string> text, other;
  const auto meta = found.find(table::meta.name);
  if (meta != found.end() && meta->second == std::set<std::string>{"name", "value"}) {
    for (auto rows = query(connection, "SELECT name, value FROM meta"); rows.next();)
      (rows.bytes(0) == "schema_version" ? text : other) = rows.bytes(1);
  }
  auto foreign = find_foreign(found, text.has_value());
  if (!text && other) foreign = table::meta.name;  // ours gets its version with its first rows
  if (foreign)
    throw ConfigError("store '" + connection.name() + "': has a '" + *foreign +
                      "' of another program; name a database of its own");
  if (!text) return std::nullopt;
  for (int version = 1; version <= kSchemaVersion; ++version)
    if (*text == std::to_string(version)) return version;
  throw ConfigError("store '" + connection.name() + "': its schema is of version " + *text +
                    ", this program knows versions up to " + std::to_string(kSchemaVersion));
}

/// Brings a store of an earlier version up to ours; what was counted stays.
template <class C>
void migrate(C& connection, int version) {
  for (const auto& step : migrations(C::kDialect, version))
    if (!query(connection, step.is_done).next()) connection.execute(step.statement);
  run(connection, "UPDATE meta SET value = ? WHERE name = 'schema_version'",
      std::string_view(std::to_string(kSchemaVersion)));
}

template <class C>
void make_schema(C& connection) {
  if (schema_version(connection) == kSchemaVersion) return connection.begin_use();
  connection.begin_creation();
  // Asked again: another process may have been faster.
  if (const auto version = schema_version(connection)) {
    migrate(connection, *version);
  } else {
    for (const auto& statement : creation(C::kDialect)) connection.execute(statement);
  }
  connection.end_creation();
}

template <class C>
std::optional<count::NameId> find_name(C& connection, std::string_view name) {
  auto rows = query(connection, "SELECT id FROM name WHERE name = ?", name);
  if (!rows.next()) return std::nullopt;
  return static_cast<count::NameId>(rows.integer(0));
}

template <class C>
std::optional<std::string> find_meta(C& connection, std::string_view name) {
  auto rows = query(connection, "SELECT value FROM meta WHERE name = ?", Text{name});
  if (!rows.next()) return std::nullopt;
  return rows.bytes(0);
}

inline char letter_of(const std::string& text) noexcept { return text.empty() ? '\0' : text[0]; }

}  // namespace manhattan::store
