// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace manhattan::wrap {

/// Writes the answer to one FastCGI request, in records.
///
/// Owns:    nothing; the socket must outlive it.
/// Threads: one.
/// Blocks:  while the server does not read, up to the time-out set on the socket.
/// Errors:  by value; after one, nothing more can be sent.
class AnswerWriter {
 public:
  AnswerWriter(int socket, unsigned request_id) : socket_(socket), id_(request_id) {}

  /// Small pieces are collected. False: nobody listens any more.
  [[nodiscard]] bool write(std::string_view bytes);
  /// Sends what is collected.
  [[nodiscard]] bool flush();
  /// Sends the rest and the end of the request.
  [[nodiscard]] bool finish();
  /// Sends the rest and, once the server has read that, a record that is an error: the server can
  /// tell its client that the answer broke off, and the client has seen all there was of it. Waits
  /// for the server for kTakeLimit at most.
  void break_off();

 private:
  static constexpr std::chrono::seconds kTakeLimit{10};

  void close_record() noexcept;

  int socket_;
  unsigned id_;
  bool has_begun_ = false;  ///< something was written
  std::string unsent_;
  std::size_t content_at_ = 0;  ///< where the open record's content begins in unsent_; 0: none is
};

}  // namespace manhattan::wrap
