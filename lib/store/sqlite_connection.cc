// SPDX-License-Identifier: MIT
#include "store/sqlite_connection.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "base/decimal.h"
#include "base/folder.h"

namespace manhattan::store {
namespace {

constexpr int kBusyPauseMs = 20;
constexpr int kMaxBusyTries = 250;
constexpr int kCacheKiB = 65'536;
// Of new files. A row of more than a quarter of a page takes pages of its own: with SQLite's 4,096
// bytes two fifths of a file were the empty ends of those, of visitors whose lines wait.
constexpr int kPageBytes = 8'192;
constexpr int kFillingKiB = 4'096;
constexpr mode_t kMode = 0640;

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

// decimal_add(a, b), square_add(a, b): SQLite's own numbers would round, or turn REAL beyond 64
// bits.
template <class Number>
void add_exactly(sqlite3_context* context, int, sqlite3_value** values) {
  if (text_of(values[1]) == "0") {
    sqlite3_result_value(context, values[0]);
    return;
  }
  const auto a = Number::parse(text_of(values[0]));
  const auto b = Number::parse(text_of(values[1]));
  if (!a || !b) {
    sqlite3_result_error(context, "a value is not a decimal number", -1);
    sqlite3_result_error_code(context, SQLITE_CORRUPT);
    return;
  }
  const auto sum = (*a + *b).to_string();
  sqlite3_result_text(context, sum.data(), static_cast<int>(sum.size()), SQLITE_TRANSIENT);
}

StoreError::Retry retry_of(int result, int system_error) {
  switch (result & 0xff) {
    case SQLITE_CANTOPEN:
      return system_error == EMFILE || system_error == ENFILE ? StoreError::Retry::yes
                                                              : StoreError::Retry::no;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_SCHEMA:
      return StoreError::Retry::yes;
    default:
      return StoreError::Retry::no;
  }
}

// `./` keeps SQLite from taking `:memory:` or `file:...` for more than a name.
std::string path_of(const Location& location) {
  const auto& path = location.parts().database;
  return path.starts_with('/') ? path : "./" + path;
}

/// Makes the file where it is missing. SQLite itself would let everybody read it, and a store holds
/// addresses of visitors. Where that fails, SQLite says why.
void make_private(const std::string& path) {
  try {
    const base::Folder folder(base::folder_of(path));
    folder.open_plain(base::name_of(path), O_RDWR | O_CREAT | O_EXCL, kMode, base::Maker::us);
  } catch (const IoError&) {
  }
}

}  // namespace

bool SqliteRows::next() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) connection_->fail(result);
  return false;
}

std::string SqliteRows::bytes(int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string() : std::string(bytes, size);
}

SqliteStatement::SqliteStatement(SqliteConnection& connection, const std::string& sql)
    : connection_(connection) {
  sqlite3_stmt* statement = nullptr;
  require(sqlite3_prepare_v3(connection.get(), sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  statement_.reset(statement);
}

void SqliteStatement::require(int result) {
  if (result != SQLITE_OK) connection_.fail(result);
}

void SqliteStatement::bind(std::int64_t value) {
  require(sqlite3_bind_int64(statement_.get(), ++bound_, value));
}

void SqliteStatement::bind(std::string_view bytes) {
  // A null pointer would be NULL, not the empty blob.
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  require(sqlite3_bind_blob64(statement_.get(), ++bound_, data, bytes.size(), SQLITE_STATIC));
}

void SqliteStatement::bind(Text text) {
  const char* data = text.text.data() == nullptr ? "" : text.text.data();
  require(sqlite3_bind_text64(statement_.get(), ++bound_, data, text.text.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
}

void SqliteStatement::bind_copy(const std::string& text) {
  require(sqlite3_bind_text64(statement_.get(), ++bound_, text.data(), text.size(),
                              SQLITE_TRANSIENT, SQLITE_UTF8));
}

std::int64_t SqliteStatement::run() {
  bound_ = 0;
  const int stepped = sqlite3_step(statement_.get());
  const int result = sqlite3_reset(statement_.get());
  if (stepped != SQLITE_DONE) connection_.fail(result == SQLITE_OK ? SQLITE_MISUSE : result);
  return sqlite3_changes64(connection_.get());
}

SqliteRows SqliteStatement::select() {
  bound_ = 0;
  return {connection_, *statement_};
}

SqliteConnection::SqliteConnection(const Location& location, Access access)
    : name_(location.to_string()), path_(path_of(location)) {
  refuse_what_others_made();
  if (access == Access::write) make_private(path_);
  const int flags =
      SQLITE_OPEN_NOMUTEX |
      (access == Access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(path_.c_str(), &database, flags, nullptr);
  database_.reset(database);
  if (result != SQLITE_OK) fail(result);
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, 5000);
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  sqlite3_create_function(database, "decimal_add", 2, kFlags, nullptr, add_exactly<Decimal>,
                          nullptr, nullptr);
  sqlite3_create_function(database, "square_add", 2, kFlags, nullptr, add_exactly<SquareSum>,
                          nullptr, nullptr);
  set_cache(kCacheKiB);
  execute("PRAGMA temp_store = MEMORY");
  execute(access == Access::read ? "PRAGMA query_only = 1" : "PRAGMA synchronous = FULL");
  if (access == Access::read) return;
  execute("PRAGMA page_size = " + std::to_string(kPageBytes));
  execute("PRAGMA journal_size_limit = 67108864");
}

// SQLite opens by name, so who may write the folder has a moment between this and that. Its own
// files beside the database it opens through no link.
void SqliteConnection::refuse_what_others_made() {
  try {
    const base::Folder folder(base::folder_of(path_));
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
      folder.check(base::name_of(path_) + suffix);
  } catch (const base::RefusedError& error) {
    throw StoreError("store '" + name_ + "': " + error.what() +
                         ": keep it in a folder that only its user may write",
                     StoreError::Retry::no);
  } catch (const IoError&) {  // there is no such folder, say: SQLite says so
  }
}

void SqliteConnection::fail(int result) {
  is_broken_ = true;
  const int system_error = database_ ? sqlite3_system_errno(database_.get()) : 0;
  std::string why = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(result);
  const int kind = result & 0xff;
  if (kind == SQLITE_NOTADB) why = "not an SQLite database";
  if (kind == SQLITE_CANTOPEN || kind == SQLITE_IOERR)
    if (system_error != 0) why += std::string(": ") + std::strerror(system_error);
  if (kind == SQLITE_READONLY || (kind == SQLITE_CANTOPEN && system_error == EACCES))
    why += "; the file and its folder must be writable by this user";
  throw StoreError("store '" + name_ + "': " + why, retry_of(result, system_error));
}

void SqliteConnection::execute(const std::string& sql) {
  const int result = sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(result);
}

// For each question: prepared once, not parsed each time.
void SqliteConnection::begin_read() {
  statement(store::begin_read(kDialect)).run();
  // SQLite takes its snapshot at the first read.
  statement("SELECT 1 FROM meta LIMIT 1").select().next();
}

void SqliteConnection::rollback() noexcept {
  // After a full disk SQLite may have rolled back by itself.
  if (sqlite3_get_autocommit(get()) != 0) return;
  try {
    statement("ROLLBACK").run();
  } catch (const StoreError&) {  // is_broken() says so
  }
}

bool SqliteConnection::set_journal(const char* mode) {
  const auto sql = std::string("PRAGMA journal_mode = ") + mode;
  const int result = sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK && (result & 0xff) != SQLITE_BUSY) fail(result);
  return result == SQLITE_OK;
}

void SqliteConnection::set_cache(int kib) {
  execute("PRAGMA cache_size = -" + std::to_string(kib));
}

// Another journal is left over where a writer died while it filled the store.
void SqliteConnection::begin_use() { set_journal("WAL"); }

// Not the store's own file: SQLite's locks on it end when any descriptor of it is closed.
void SqliteConnection::claim() {
  const auto path = path_ + "-lock";
  const auto give_up = [&](const std::string& why, bool may_pass) {
    is_broken_ = true;
    throw StoreError("store '" + name_ + "': " + why,
                     may_pass ? StoreError::Retry::yes : StoreError::Retry::no);
  };
  try {
    const base::Folder folder(base::folder_of(path));
    claim_ = folder.open_plain(base::name_of(path), O_RDWR | O_CREAT, kMode, base::Maker::us);
    if (::flock(claim_.get(), LOCK_EX | LOCK_NB) == 0) return;
    if (errno == EWOULDBLOCK) give_up(kCountedByAnother, true);
    throw IoError("lock", path, last_error());
  } catch (const IoError& error) {
    const int why = error.code.value();
    give_up(error.what(), why == EMFILE || why == ENFILE || why == ENOSPC);
  }
}

void SqliteConnection::begin_creation() {
  // The mode is kept in the file. Of those that change it at once, SQLite makes all but one fail
  // without waiting for busy_timeout.
  for (int tries = 1; !set_journal("WAL"); ++tries) {
    if (tries == kMaxBusyTries) fail(SQLITE_BUSY);
    sqlite3_sleep(kBusyPauseMs);
  }
  execute("BEGIN IMMEDIATE");
}

void SqliteConnection::end_creation() { execute("COMMIT"); }

// What is new in the file needs no journal, while a log of it would be written twice: a third of
// what a million events cost. A store that others have open stays as it is. Rows come in the order
// of their tables, so a page is not wanted again once it is full.
void SqliteConnection::begin_filling() {
  set_journal("TRUNCATE");
  set_cache(kFillingKiB);
}

void SqliteConnection::end_filling() {
  set_cache(kCacheKiB);
  set_journal("WAL");
}

SqliteStatement& SqliteConnection::statement(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  return statements_.try_emplace(sql, *this, sql).first->second;
}

}  // namespace manhattan::store
