// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <ostream>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace manhattan::tests {

/// Stands between a client and a database server's UNIX socket, for one connection, and cuts it at
/// a COMMIT: before the server has got it, or when the server has answered and the client does
/// not know.
///
/// Threads: its own, which ends with the connection.
class CuttingProxy {
 public:
  enum class Cut { before, after };

  CuttingProxy(const std::string& path, const std::string& server_path, Cut cut);
  ~CuttingProxy();

  /// The next COMMIT is the one.
  void arm() noexcept { is_armed_ = true; }

 private:
  void serve();
  bool pass_request(int client, int server);

  const std::string path_, server_path_;
  const Cut cut_;
  std::atomic<bool> is_armed_ = false;
  base::UniqueFd listener_;
  std::thread thread_;
};

inline std::ostream& operator<<(std::ostream& out, CuttingProxy::Cut cut) {
  return out << (cut == CuttingProxy::Cut::before ? "before" : "after");
}

}  // namespace manhattan::tests
