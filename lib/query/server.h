// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "query/message.h"

namespace manhattan::query {

/// Requests that may take long: nobody waits for them but who asked, and who asks the like. Each
/// client has a queue of its own; who was served least comes next, and short ones first.
struct Lengthy {
  std::function<bool(const Request&)> is_lengthy;
  std::function<nlohmann::json(const Request&)>
      handler;  ///< of all that a client asks until its lengthy ones are answered, in order
  std::function<bool(const Request&)> is_short = {};  ///< of lengthy ones
};

/// Answers requests over ZeroMQ: REQ and DEALER sockets, tcp and ipc, many clients at once.
///
/// Owns:    its sockets and its thread.
/// Threads: start() and the destructor on one; stop(), tallies() and endpoints() on any. The
///          handler is called on the server's own thread, which is prompt (base/prompt.h), one
///          request after the other; that of lengthy requests on another, which is not.
/// Blocks:  the destructor, until a request being answered is done.
/// Errors:  the constructor throws ConfigError or IoError naming the endpoint. What a client sends
///          harms nobody: it is answered with an error, or its connection is dropped.
class Server {
 public:
  /// A Refusal is answered as it is, any other std::exception as `Error: what`.
  using Handler = std::function<nlohmann::json(const Request&)>;

  using Lengthy = query::Lengthy;

  /// Binds to all of `endpoints`; clients wait from now on.
  Server(const std::vector<std::string>& endpoints, Handler handler, Lengthy lengthy = {});
  ~Server();

  /// Begins to answer.
  void start();
  /// Ends answering at once; later calls do nothing. The thread is gone after the destructor.
  void stop() noexcept;

  /// As bound: `tcp://127.0.0.1:*` has become a port, `ipc://*` a path.
  const std::vector<std::string>& endpoints() const noexcept;

  /// query_answered, query_refused (answered with an error), query_dropped (answers that nobody
  /// took in).
  std::map<std::string, std::int64_t> tallies() const;

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

/// Of the libzmq in use, as `4.3.4`.
std::string library_version();

}  // namespace manhattan::query
