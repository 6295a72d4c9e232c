// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/unique_fd.h"
#include "http/environment.h"

namespace manhattan::wrap {

/// One request from a web server and the way back to it: over FastCGI (libfcgi), or over standard
/// input and output where the server started us as a CGI program.
///
/// Owns:    the connection, until finish() hands it back.
/// Threads: one.
/// Blocks:  reads and writes do, up to the time-outs set on the connection.
/// Errors:  by value; after one, only abort().
class Client {
 public:
  /// libfcgi's once-a-process part. Before any thread.
  static void initialize();

  /// Reads one request's beginning and parameters off `connection`.
  explicit Client(base::UniqueFd connection);
  /// The request in our own environment.
  static Client plain_cgi();
  Client(Client&&) noexcept;
  ~Client();

  /// False: what came is no FastCGI request, and the connection is closed.
  bool is_open() const noexcept;
  http::Environment environment() const;

  /// Bytes of the body; 0 at its end, or where it breaks off.
  std::size_t read(std::span<char> into);
  /// False: nobody listens any more.
  [[nodiscard]] bool write(std::string_view bytes);
  [[nodiscard]] bool flush();

  /// To be polled while the program runs; -1 where there is nothing to see.
  int watched() const noexcept;
  /// Looks at what the server sent while the program runs: an FCGI_ABORT_REQUEST, or the end?
  bool is_aborted() const noexcept;

  /// Completes the answer. The connection, where the server wants to keep it.
  base::UniqueFd finish();
  /// Closes the connection with the answer incomplete, so that the server can tell.
  void abort();

 private:
  struct FastCgi;
  Client();

  std::unique_ptr<FastCgi> fast_cgi_;  ///< null: plain CGI
  bool is_done_ = false;
};

/// Answers the FastCGI management record (FCGI_GET_VALUES, or one unknown) at the head of what
/// waits on `connection`; libfcgi leaves the first unanswered. False where there is none.
bool answer_management(int connection);

}  // namespace manhattan::wrap
