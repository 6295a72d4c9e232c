// SPDX-License-Identifier: MIT
// What the store needs of a database connection, and what follows from it alone.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/decimal.h"
#include "store/schema.h"

namespace manhattan::store {

enum class Access { read, write };

/// Why a store can't be claimed.
inline const std::string kCountedByAnother =
    "another program counts into it; stop that one first, or name another store";

/// A parameter for a column of text (Type::word, letter, decimal); bytes are a string_view.
struct Text {
  std::string_view text;
};

/// SqliteConnection and MysqlConnection. Every call throws StoreError, after which is_broken()
/// and the connection is of no more use.
template <class C>
concept Connection = requires(C& connection, const std::string& sql,
                              typename C::Statement& statement, typename C::Rows& rows) {
  { C::kDialect } -> std::convertible_to<Dialect>;
  /// Rows a statement that writes, largest first, ending in 1; keys a statement that reads.
  C::kWriteBatches;
  C::kReadBatch;
  { connection.is_broken() } -> std::same_as<bool>;
  /// False where the server closed an idle connection.
  { connection.is_alive() } -> std::same_as<bool>;
  { connection.max_statement_bytes() } -> std::same_as<std::size_t>;
  /// The URL without its password, for messages.
  { connection.name() } -> std::same_as<const std::string&>;
  /// A statement without parameters and without a result.
  connection.execute(sql);
  /// One state of the database, as of now, until rollback().
  connection.begin_read();
  connection.rollback();
  /// Before the first write to a store that is there: so far nothing in it was changed.
  connection.begin_use();
  /// Keeps other programs from counting into the same store for as long as the connection lasts.
  /// StoreError where one does already.
  connection.claim();
  /// Around the making of tables, against others that make them at the same time.
  connection.begin_creation();
  connection.end_creation();
  /// Around the store's first flush, when there is nothing yet to be kept apart from it. Whatever
  /// is done here, nobody may ever see a part of that flush.
  connection.begin_filling();
  connection.end_filling();
  /// Prepared, and kept for the next time.
  { connection.statement(sql) } -> std::same_as<typename C::Statement&>;
  /// The next parameter; what it views must live until run() or until the rows are gone.
  statement.bind(std::int64_t{});
  statement.bind(std::string_view{});
  statement.bind(Text{});
  statement.bind(Decimal{});
  /// Answers how many rows it changed.
  { statement.run() } -> std::same_as<std::int64_t>;
  { statement.select() } -> std::same_as<typename C::Rows>;
  { rows.next() } -> std::same_as<bool>;
  /// Columns count from 0. NULL is 0.
  { rows.integer(0) } -> std::same_as<std::int64_t>;
  { rows.bytes(0) } -> std::same_as<std::string>;
};

template <class C, class... Values>
typename C::Rows query(C& connection, const std::string& sql, const Values&... values) {
  auto& statement = connection.statement(sql);
  (statement.bind(values), ...);
  return statement.select();
}

template <class C, class... Values>
std::int64_t run(C& connection, const std::string& sql, const Values&... values) {
  auto& statement = connection.statement(sql);
  (statement.bind(values), ...);
  return statement.run();
}

/// Rolls back unless commit() returned.
template <class C>
class Transaction {
 public:
  Transaction(C& connection, const char* begin) : connection_(connection) {
    connection_.execute(begin);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!is_done_) connection_.rollback();
  }

  void commit() {
    connection_.execute("COMMIT");
    is_done_ = true;
  }

 private:
  C& connection_;
  bool is_done_ = false;
};

}  // namespace manhattan::store
