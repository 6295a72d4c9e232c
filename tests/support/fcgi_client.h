// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace manhattan::test {

/// What came back for one request.
struct FcgiAnswer {
  std::string out;         ///< FCGI_STDOUT, head and body
  bool is_ended = false;   ///< FCGI_END_REQUEST came
  bool is_closed = false;  ///< the other side closed the connection
  int protocol_status = -1;

  std::string head() const { return out.substr(0, out.find("\r\n\r\n") + 4); }
  std::string body() const {
    const auto end = out.find("\r\n\r\n");
    return end == out.npos ? "" : out.substr(end + 4);
  }
  int status() const;  ///< 200 where the head does not say; 0 where there is none
  std::string header(std::string_view name) const;  ///< of all lines of that name, newline between
};

using FcgiParameters = std::vector<std::pair<std::string, std::string>>;

/// The web server's side of one FastCGI connection, written from the specification. Reads give up
/// after 20 seconds, so that a test fails and does not hang.
class FcgiClient {
 public:
  explicit FcgiClient(const std::string& socket_path);

  enum class Connection { close, keep };
  void begin(Connection connection = Connection::close, int role = 1, int id = 1);
  void parameters(const FcgiParameters& parameters, int id = 1);
  /// In records of at most 65,535 bytes, then the empty one that ends the body.
  void body(std::string_view bytes, int id = 1);
  void record(int type, std::string_view content, int id);
  void raw(std::string_view bytes);
  /// Hands bytes over one by one from here on.
  void dribble() { piece_bytes_ = 1; }
  /// Holds bytes back from here on, until send_held() sends them in one piece.
  void hold() { is_holding_ = true; }
  void send_held();

  /// Until the request's end, or the connection's.
  FcgiAnswer answer();
  /// Until `mark` has been seen on FCGI_STDOUT, the end at the latest.
  FcgiAnswer answer_until(std::string_view mark);
  /// Content of the next record, whatever its type; its type in `type`. Empty at the end.
  std::string next_record(int& type);
  void close() { socket_.reset(); }
  /// Ends what is sent, and can still read.
  void end_sending();

 private:
  bool read_exactly(char* into, std::size_t size);

  base::UniqueFd socket_;
  std::size_t piece_bytes_ = 1 << 20;
  bool is_holding_ = false;
  std::string held_;
};

}  // namespace manhattan::test
