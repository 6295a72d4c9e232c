// SPDX-License-Identifier: MIT
#include "store/mysql_connection.h"
#include "store/sql_reader.h"
#include "store/sql_store.h"
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace manhattan::store {

std::unique_ptr<Store> Location::open(base::Pulse* pulse) const {
  if (parts_.scheme == "mysql") return std::make_unique<SqlStore<MysqlConnection>>(*this, pulse);
  return std::make_unique<SqlStore<SqliteConnection>>(*this, pulse);
}

std::unique_ptr<Reader> Location::open_reader() const {
  if (parts_.scheme == "mysql") return std::make_unique<SqlReader<MysqlConnection>>(*this);
  return std::make_unique<SqlReader<SqliteConnection>>(*this);
}

}  // namespace manhattan::store
