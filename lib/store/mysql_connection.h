// SPDX-License-Identifier: MIT
#pragma once

#include <cppconn/connection.h>
#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/statement.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/sql.h"
#include "store/store.h"

namespace manhattan::store {

class MysqlConnection;

/// The answer to a query, all of it in memory: nothing stays unread on the wire.
class MysqlRows {
 public:
  MysqlRows(MysqlConnection& connection, sql::ResultSet* rows)
      : connection_(&connection), rows_(rows) {}

  bool next();
  std::int64_t integer(int column);
  std::string bytes(int column);

 private:
  MysqlConnection* connection_;
  std::unique_ptr<sql::ResultSet> rows_;
};

class MysqlStatement {
 public:
  MysqlStatement(MysqlConnection& connection, const std::string& sql);

  void bind(std::int64_t value);
  void bind(std::string_view bytes);
  void bind(Text text) { bind(text.text); }
  template <int Places>
  void bind(const FixedPoint<Places>& number) {
    bind(std::string_view(number.to_string()));
  }
  std::int64_t run();
  MysqlRows select();

 private:
  MysqlConnection& connection_;
  std::unique_ptr<sql::PreparedStatement> statement_;
  unsigned bound_ = 0;
};

/// One connection to a MySQL or MariaDB server: a store::Connection. Its session is strict, sees
/// repeatable reads and converts no bytes.
///
/// Threads: one at a time; opening one waits for others that open.
/// Blocks:  up to 10 s to connect, 60 s for any answer.
/// Errors:  StoreError; Retry::yes for deadlocks, lost connections, a server that is down or full.
class MysqlConnection {
 public:
  using Statement = MysqlStatement;
  using Rows = MysqlRows;
  static constexpr Dialect kDialect = Dialect::mysql;
  static constexpr std::array<std::size_t, 6> kWriteBatches{1024, 256, 64, 16, 4, 1};
  static constexpr std::size_t kReadBatch = 100;

  MysqlConnection(const Location& location, Access access);
  MysqlConnection(const MysqlConnection&) = delete;
  MysqlConnection& operator=(const MysqlConnection&) = delete;

  bool is_broken() const noexcept { return is_broken_; }
  bool is_alive();
  std::size_t max_statement_bytes() const noexcept { return max_statement_bytes_; }
  const std::string& name() const noexcept { return name_; }
  void execute(const std::string& sql);
  void begin_read();
  void rollback() noexcept;
  void begin_use() noexcept {}
  void claim();
  void begin_creation();
  void end_creation();
  void begin_filling() noexcept {}
  void end_filling() noexcept {}
  MysqlStatement& statement(const std::string& sql);

  sql::Connection& get() const noexcept { return *connection_; }
  [[noreturn]] void fail(const sql::SQLException& error);

  /// What `call` answers; an exception of the client library becomes a StoreError.
  template <class Call>
  auto guard(const Call& call) -> decltype(call()) {
    try {
      return call();
    } catch (const sql::SQLException& error) {
      fail(error);
    }
  }

 private:
  void require_tls();

  std::string name_;
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> plain_;
  std::unordered_map<std::string, MysqlStatement> statements_;  // goes before connection_
  std::size_t max_statement_bytes_ = 1'000'000;
  bool is_broken_ = false;
};

}  // namespace manhattan::store
