// SPDX-License-Identifier: MIT
#pragma once

#include <sqlite3.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/unique_fd.h"
#include "store/sql.h"
#include "store/store.h"

namespace manhattan::store {

class SqliteConnection;

/// The answer to a query. Ends it when it goes: a query left open would hold its snapshot.
class SqliteRows {
 public:
  SqliteRows(SqliteConnection& connection, sqlite3_stmt& statement)
      : connection_(&connection), statement_(&statement) {}

  bool next();
  std::int64_t integer(int column) { return sqlite3_column_int64(statement_.get(), column); }
  std::string bytes(int column);

 private:
  struct Reset {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_reset(statement); }
  };
  SqliteConnection* connection_;
  std::unique_ptr<sqlite3_stmt, Reset> statement_;
};

class SqliteStatement {
 public:
  SqliteStatement(SqliteConnection& connection, const std::string& sql);

  void bind(std::int64_t value);
  void bind(std::string_view bytes);
  void bind(Text text);
  template <int Places>
  void bind(const FixedPoint<Places>& number) {
    if (number.is_zero()) return bind(Text{"0"});  // as most are
    bind_copy(number.to_string());
  }
  std::int64_t run();
  SqliteRows select();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  void bind_copy(const std::string& text);
  void require(int result);

  SqliteConnection& connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

/// One connection to an SQLite file: a store::Connection.
///
/// Threads: one at a time.
/// Errors:  StoreError; Retry::yes for a full disk, a lock held too long, a failed read or write.
class SqliteConnection {
 public:
  using Statement = SqliteStatement;
  using Rows = SqliteRows;
  static constexpr Dialect kDialect = Dialect::sqlite;
  static constexpr std::array<std::size_t, 3> kWriteBatches{32, 8, 1};
  static constexpr std::size_t kReadBatch = 1;

  /// Access::write creates the file, Access::read does not.
  SqliteConnection(const Location& location, Access access);
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  bool is_broken() const noexcept { return is_broken_; }
  bool is_alive() const noexcept { return !is_broken_; }
  std::size_t max_statement_bytes() const noexcept { return kMaxRowBytes; }
  const std::string& name() const noexcept { return name_; }
  void execute(const std::string& sql);
  void begin_read();
  void rollback() noexcept;
  void begin_use();
  void claim();
  void begin_creation();
  void end_creation();
  void begin_filling();
  void end_filling();
  SqliteStatement& statement(const std::string& sql);

  sqlite3* get() const noexcept { return database_.get(); }
  /// Throws what `result` of the last call means.
  [[noreturn]] void fail(int result);

 private:
  static constexpr std::size_t kMaxRowBytes = 500'000'000;  // SQLITE_MAX_LENGTH is twice that
  struct Close {
    // v2: a statement still open is no leak.
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
  };

  void refuse_what_others_made();
  /// Whether nobody kept it from that.
  bool set_journal(const char* mode);
  void set_cache(int kib);

  std::string name_;
  const std::string path_;
  base::UniqueFd claim_;  ///< locked while this connection alone may count
  std::unique_ptr<sqlite3, Close> database_;
  std::unordered_map<std::string, SqliteStatement> statements_;  // after database_: goes first
  bool is_broken_ = false;
};

}  // namespace manhattan::store
