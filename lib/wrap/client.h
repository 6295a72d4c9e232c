// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "http/environment.h"
#include "wrap/request_reader.h"

namespace manhattan::wrap {

/// One request from a web server and the way back to it: over FastCGI, or over standard
/// input and output where the server started us as a CGI program.
///
/// Owns:    the connection, until finish() hands it back.
/// Threads: one.
/// Blocks:  reads and writes do, up to the time-outs set on the connection.
/// Errors:  by value; after one, only drop().
class Client {
 public:
  /// Reads what is there on `connection`, to the end of a request's parameters where one begins.
  explicit Client(Connection connection);
  /// The request in our own environment.
  static Client plain_cgi();
  Client(Client&&) noexcept;
  ~Client();

  /// False: the web server started us as a CGI program.
  bool is_fast_cgi() const noexcept { return fast_cgi_ != nullptr; }
  /// False: no request has begun.
  bool is_open() const noexcept;
  /// Where none has: the connection, to be watched for one; it may be closed.
  Connection take_idle();
  /// It has more variables than any web server sends, and they were not kept.
  bool is_too_large() const noexcept;
  /// The request's variables. Once: they are handed out.
  http::Environment take_environment();

  /// Bytes of the body; 0 at its end, or where it breaks off.
  std::size_t read(std::span<char> into);
  /// Reads the rest of the body and drops it: a web server that has not got rid of it takes no
  /// answer.
  void skip_body();
  /// False: it broke off, or the server has taken the request back.
  bool has_whole_body() const noexcept;
  /// False: nobody listens any more.
  [[nodiscard]] bool write(std::string_view bytes);
  [[nodiscard]] bool flush();

  /// To be polled while the program runs; -1 where there is nothing to see.
  int watched() const noexcept;
  /// Looks at what the server sent while the program runs: an FCGI_ABORT_REQUEST, or the end?
  bool is_aborted() const noexcept;

  /// Completes the answer. The connection, where the server wants to keep it.
  Connection finish();
  /// Ends the connection with the answer incomplete, so that the server can tell once it has taken
  /// what is written.
  void abort();
  /// Closes the connection: nobody listens any more.
  void drop();

 private:
  struct FastCgi;
  Client();

  std::unique_ptr<FastCgi> fast_cgi_;  ///< null: plain CGI
  bool is_done_ = false;
};

}  // namespace manhattan::wrap
