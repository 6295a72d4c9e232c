// SPDX-License-Identifier: MIT
#include "tests/support/databases.h"

#include <cstdlib>
#include <filesystem>

#include "store/mysql_connection.h"
#include "store/sqlite_connection.h"
#include "tests/support/mariadb.h"

namespace manhattan::tests {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char path[] = "/tmp/manhattan-store-XXXXXX";
    if (::mkdtemp(path) == nullptr) throw IoError("make", path, last_error());
    path_ = path;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

template <class C>
std::vector<std::string> ask_one(const store::Location& place, const std::string& sql,
                                 int columns) {
  C connection(place, store::Access::write);
  std::vector<std::string> lines;
  for (auto rows = store::query(connection, sql); rows.next();) {
    std::string line;
    for (int i = 0; i < columns; ++i) line += (i == 0 ? "" : "|") + rows.bytes(i);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, Database database) {
  return out << (database == Database::sqlite ? "SQLite" : "MariaDB");
}

std::string temporary_path(const std::string& name) {
  static const TemporaryFolder folder;
  return folder.path() + '/' + name;
}

store::Location new_place(Database database) {
  static int files = 0;
  if (database == Database::mariadb)
    return store::Location::parse(MariaDb::instance().new_database());
  return store::Location::parse("sqlite:///" + temporary_path(std::to_string(++files) + ".db"));
}

std::vector<std::string> ask(const store::Location& place, const std::string& sql, int columns) {
  if (place.parts().scheme == "sqlite")
    return ask_one<store::SqliteConnection>(place, sql, columns);
  return ask_one<store::MysqlConnection>(place, sql, columns);
}

void change(const store::Location& place, const std::string& sql) {
  if (place.parts().scheme == "sqlite")
    store::SqliteConnection(place, store::Access::write).execute(sql);
  else
    store::MysqlConnection(place, store::Access::write).execute(sql);
}

bool may_be_retried(const store::StoreError& error) {
  return error.retry == store::StoreError::Retry::yes;
}

bool is_final(const store::StoreError& error) { return !may_be_retried(error); }

}  // namespace manhattan::tests
