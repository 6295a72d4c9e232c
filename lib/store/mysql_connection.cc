// SPDX-License-Identifier: MIT
#include "store/mysql_connection.h"

#include <cppconn/driver.h>

#include <algorithm>
#include <iterator>
#include <mutex>

namespace manhattan::store {
namespace {

// What may pass by itself: the server is down, stopping, full, overloaded, or chose us as the
// victim of a deadlock. Numbers below 2000 are the server's, from 2000 the client's.
constexpr int kPassing[] = {1020, 1021, 1030, 1040, 1041, 1047, 1053, 1079, 1114, 1152, 1158, 1159,
                            1160, 1161, 1180, 1184, 1203, 1205, 1213, 1226, 1290, 1317, 1637, 1836,
                            1927, 1969, 2002, 2003, 2005, 2006, 2012, 2013, 2014, 2055, 3024};

StoreError::Retry retry_of(int code) {
  return std::ranges::binary_search(kPassing, code) ? StoreError::Retry::yes
                                                    : StoreError::Retry::no;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20; }, ' ');
  return text;
}

sql::ConnectOptionsMap options_of(const Location::Parts& parts) {
  const auto parameter = [&](const char* key) {
    const auto found = parts.parameters.find(key);
    return found == parts.parameters.end() ? std::string() : found->second;
  };
  sql::ConnectOptionsMap options;
  const auto set = [&](const char* option, const std::string& value) {
    if (!value.empty()) options[option] = sql::SQLString(value);
  };
  const auto socket = parameter("unix_socket");
  options["hostName"] = sql::SQLString(parts.host.empty() ? "localhost" : parts.host);
  if (!socket.empty()) options["hostName"] = sql::SQLString("unix://" + socket);
  if (parts.port != 0 && socket.empty()) options["port"] = parts.port;  // it would win
  options["userName"] = sql::SQLString(parts.user);
  options["password"] = sql::SQLString(parts.password);
  options["schema"] = sql::SQLString(parts.database);
  set("sslCA", parameter("ssl_ca"));
  set("sslCert", parameter("ssl_cert"));
  set("sslKey", parameter("ssl_key"));
  // Everything weaker falls back to plain text without a word.
  if (!parameter("ssl_ca").empty()) options["sslVerify"] = true;
  options["OPT_CONNECT_TIMEOUT"] = 10;
  options["OPT_READ_TIMEOUT"] = 60;
  options["OPT_WRITE_TIMEOUT"] = 60;
  options["OPT_LOCAL_INFILE"] = 0;  // else the server could ask for any file of ours
  return options;
}

// The driver's own start and its connects are not for two threads at once.
sql::Connection* connect(sql::ConnectOptionsMap options) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  return get_driver_instance()->connect(options);
}

}  // namespace

bool MysqlRows::next() {
  return connection_->guard([&] { return rows_->next(); });
}

std::int64_t MysqlRows::integer(int column) {
  const auto index = static_cast<std::uint32_t>(column + 1);
  return connection_->guard([&] { return rows_->getInt64(index); });
}

std::string MysqlRows::bytes(int column) {
  const auto index = static_cast<std::uint32_t>(column + 1);
  return connection_->guard([&] { return rows_->getString(index).asStdString(); });
}

MysqlStatement::MysqlStatement(MysqlConnection& connection, const std::string& sql)
    : connection_(connection) {
  connection_.guard([&] { statement_.reset(connection_.get().prepareStatement(sql)); });
}

void MysqlStatement::bind(std::int64_t value) {
  connection_.guard([&] { statement_->setInt64(++bound_, value); });
}

void MysqlStatement::bind(std::string_view bytes) {
  connection_.guard(
      [&] { statement_->setString(++bound_, sql::SQLString(bytes.data(), bytes.size())); });
}

std::int64_t MysqlStatement::run() {
  bound_ = 0;
  return connection_.guard([&] { return std::int64_t{statement_->executeUpdate()}; });
}

MysqlRows MysqlStatement::select() {
  bound_ = 0;
  return {connection_, connection_.guard([&] { return statement_->executeQuery(); })};
}

MysqlConnection::MysqlConnection(const Location& location, Access) : name_(location.to_string()) {
  guard([&] {
    connection_.reset(connect(options_of(location.parts())));
    plain_.reset(connection_->createStatement());
  });
  if (location.parts().parameters.count("ssl_ca") != 0) require_tls();
  // Set here, whatever the server's defaults are: a longer key must be an error, not cut.
  execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
  execute("SET NAMES binary");
  execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  auto rows = query(*this, "SELECT @@max_allowed_packet");
  // Half: the packet also carries what Measure does not count.
  if (rows.next()) max_statement_bytes_ = static_cast<std::size_t>(rows.integer(0)) / 2;
}

void MysqlConnection::require_tls() {
  auto rows = query(*this, "SHOW STATUS LIKE 'Ssl_cipher'");
  if (rows.next() && !rows.bytes(1).empty()) return;
  is_broken_ = true;
  throw StoreError("store '" + name_ + "': the server does not speak TLS", StoreError::Retry::no);
}

void MysqlConnection::fail(const sql::SQLException& error) {
  is_broken_ = true;
  const auto code = error.getErrorCode();
  throw StoreError(
      "store '" + name_ + "': " + one_line(error.what()) + " (" + std::to_string(code) + ")",
      retry_of(code));
}

bool MysqlConnection::is_alive() {
  if (is_broken_) return false;
  is_broken_ = !guard([&] { return connection_->isValid(); });
  return !is_broken_;
}

void MysqlConnection::execute(const std::string& sql) {
  guard([&] { plain_->execute(sql); });
}

void MysqlConnection::begin_read() { execute(store::begin_read(kDialect)); }

void MysqlConnection::rollback() noexcept {
  // A connection that can't roll back is lost, and the server rolls back for it.
  try {
    plain_->execute("ROLLBACK");
  } catch (const sql::SQLException&) {
    is_broken_ = true;
  }
}

// The server lets the lock go with the session, a moment after that was closed: hence the 3
// seconds.
void MysqlConnection::claim() {
  auto rows = query(*this, "SELECT GET_LOCK(CONCAT('manhattan.count.', DATABASE()), 3)");
  if (rows.next() && rows.integer(0) == 1) return;
  is_broken_ = true;
  throw StoreError("store '" + name_ + "': " + kCountedByAnother, StoreError::Retry::yes);
}

// Each CREATE commits what was before it, so a transaction would keep nobody out.
void MysqlConnection::begin_creation() {
  execute("DO GET_LOCK(CONCAT('manhattan.', DATABASE()), 60)");
}

void MysqlConnection::end_creation() {
  execute("DO RELEASE_LOCK(CONCAT('manhattan.', DATABASE()))");
}

MysqlStatement& MysqlConnection::statement(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  return statements_.try_emplace(sql, *this, sql).first->second;
}

}  // namespace manhattan::store
