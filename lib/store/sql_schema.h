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
  const auto version = rows.bytes(0);
  if (version != std::to_string(kSchemaVersion))
    throw ConfigError("store '" + connection.name() + "': its schema is of version " + version +
                      ", this program knows version " + std::to_string(kSchemaVersion));
  return kSchemaVersion;
}

template <class C>
void make_schema(C& connection) {
  if (schema_version(connection)) return;
  connection.begin_creation();
  if (!schema_version(connection))  // else another process was faster
    for (const auto& statement : creation(C::kDialect)) connection.execute(statement);
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
