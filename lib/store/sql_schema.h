// SPDX-License-Identifier: MIT
// Whether a database has our tables, and making them.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "store/sql.h"
#include "store/store.h"

namespace manhattan::store {

/// The version of the store's schema; nothing where it has none or an unfinished one. ConfigError
/// where it is of a later version, or where tables of another program stand in its place.
template <class C>
std::optional<int> schema_version(C& connection) {
  std::vector<std::string> tables;
  for (auto rows = query(connection, list_tables(C::kDialect)); rows.next();)
    tables.push_back(rows.bytes(0));
  const auto has = [&](const std::string& table) { return std::ranges::count(tables, table) > 0; };
  if (!has(table::meta.name)) {
    for (const auto& table : table_names())
      if (has(table))
        throw ConfigError("store '" + connection.name() + "': has a table '" + table +
                          "' of another program");
    return std::nullopt;
  }
  auto rows = query(connection, "SELECT value FROM meta WHERE name = 'schema_version'");
  if (!rows.next()) return std::nullopt;
  const auto text = rows.bytes(0);
  for (int version = 1; version <= kSchemaVersion; ++version)
    if (text == std::to_string(version)) return version;
  throw ConfigError("store '" + connection.name() + "': its schema is of version " + text +
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
  if (schema_version(connection) == kSchemaVersion) return;
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
