// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "http/environment.h"
#include "wrap/fast_cgi_records.h"

namespace manhattan::wrap {

/// A web server's connection between two requests, and what has come of the next one already.
struct Connection {
  base::UniqueFd socket;
  RecordCutter cutter = {};  ///< where in a record it is
  std::string control = {};  ///< content of that record, where it is none of a stream's
  std::string ahead = {};    ///< read, behind the last request
  bool is_new = true;        ///< its first request has not come

  explicit operator bool() const noexcept { return bool(socket); }
};

/// Reads one FastCGI request off a connection, and not a byte of the next one. Answers what belongs
/// to no request (specification, section 4), and refuses requests beside this one.
///
/// Owns:    the connection, until release().
/// Threads: one.
/// Blocks:  yes, up to the time-outs set on the connection; not for a request to begin.
/// Errors:  by value: state().
class RequestReader {
 public:
  enum class State {
    idle,        ///< no request has begun
    parameters,  ///< never seen from outside
    body,        ///< the parameters are complete
    complete,    ///< the body is, too
    broken,      ///< the connection ended, or what came is no FastCGI
  };

  /// Reads what is there, and on to the end of the parameters where a request begins in it.
  explicit RequestReader(Connection connection);

  State state() const noexcept { return state_; }
  unsigned id() const noexcept { return id_; }
  int socket() const noexcept { return connection_.socket.get(); }
  /// Whether the server wants the connection back after the answer.
  bool is_to_be_kept() const noexcept { return is_to_be_kept_; }
  /// The parameters are more than any web server sends, so they were read and not kept: to be
  /// answered with 431.
  bool is_too_large() const noexcept { return is_too_large_; }
  /// What the parameters say. Once: it is handed out.
  http::Environment take_environment() { return std::exchange(environment_, {}); }

  /// Bytes of the body; 0 at its end, or where it breaks off.
  std::size_t read(std::span<char> into);
  /// The body's end has come, and no FCGI_ABORT_REQUEST right behind it.
  bool is_whole() const noexcept { return state_ == State::complete && !is_abort(rest_); }
  /// Whether the server has taken the request back or is gone, as far as that has come.
  bool is_aborted() const noexcept;

  /// The connection with what has come for later requests.
  Connection release();

 private:
  bool fill();
  void take(const RecordCutter::Piece& piece);
  void begin(unsigned id, std::string_view content);
  void take_parameters(const RecordCutter::Piece& piece);
  void manage(RecordType type, std::string_view content);
  void send(std::string_view bytes);
  bool is_abort(std::string_view bytes) const noexcept;

  Connection connection_;
  State state_ = State::idle;
  unsigned id_ = 0;
  bool is_to_be_kept_ = false;
  bool is_too_large_ = false;
  std::size_t parameter_bytes_ = 0;
  std::string parameters_;
  http::Environment environment_;
  std::string_view body_;  ///< of the record at hand, in buffer_
  std::string_view rest_;  ///< of buffer_, not looked at yet
  std::array<char, 16 * 1024> buffer_;
};

}  // namespace manhattan::wrap
