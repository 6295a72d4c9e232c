// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>

namespace manhattan::bench {

/// Bytes sent to another process and back: what any question costs on this machine, whatever it
/// asks.
///
/// Owns:    the process that echoes, which ends with it.
/// Errors:  exits the program: a benchmark has no other use for them.
class Echo {
 public:
  virtual ~Echo();
  /// `bytes` there and back.
  virtual void ask(const std::string& bytes) = 0;

 protected:
  pid_t child_ = -1;
};

/// Over two stream sockets, a thread on each side.
class SocketEcho final : public Echo {
 public:
  SocketEcho();
  ~SocketEcho() override;
  void ask(const std::string& bytes) override;

 private:
  int socket_ = -1;
};

/// From REQ to ROUTER by libzmq alone, over the transport of `endpoint`.
class ZmqEcho final : public Echo {
 public:
  explicit ZmqEcho(const std::string& endpoint);
  ~ZmqEcho() override;
  void ask(const std::string& bytes) override;

 private:
  void* context_ = nullptr;
  void* socket_ = nullptr;
};

}  // namespace manhattan::bench
