// SPDX-License-Identifier: MIT
// Both kinds of database, so that a case about a store is written once.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "store/store.h"

namespace manhattan::tests {

enum class Database { sqlite, mariadb };
inline constexpr Database kDatabases[] = {Database::sqlite, Database::mariadb};
std::ostream& operator<<(std::ostream& out, Database database);

/// A place where nothing is yet; it goes with the process.
store::Location new_place(Database database);

/// A path in the process's temporary folder.
std::string temporary_path(const std::string& name);

/// Rows of a query at the database's own prompt, columns separated by `|`.
std::vector<std::string> ask(const store::Location& place, const std::string& sql, int columns);
/// One statement at the prompt.
void change(const store::Location& place, const std::string& sql);

/// Says what a StoreError is, for BOOST_CHECK_EXCEPTION.
bool may_be_retried(const store::StoreError& error);
bool is_final(const store::StoreError& error);

}  // namespace manhattan::tests
