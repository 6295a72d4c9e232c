// SPDX-License-Identifier: MIT
#include "store/sql_reader.h"
#include "store/sql_store.h"
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace manhattan::store {

std::unique_ptr<Store> Location::open() const {
  if (parts_.scheme != "sqlite") throw ConfigError("no MySQL store in this build yet");
  return std::make_unique<SqlStore<SqliteConnection>>(*this);
}

std::unique_ptr<Reader> Location::open_reader() const {
  return std::make_unique<SqlReader<SqliteConnection>>(*this);
}

}  // namespace manhattan::store
