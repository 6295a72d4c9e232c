// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace manhattan::tests {

/// A throw-away MariaDB server in a folder of its own, reached by a UNIX socket only. It starts at
/// the first use and goes, folder and all, with the process, however that ends.
///
/// Threads: one at a time.
/// Errors:  std::runtime_error with the server's last words.
class MariaDb {
 public:
  static MariaDb& instance();

  MariaDb(const MariaDb&) = delete;
  MariaDb& operator=(const MariaDb&) = delete;
  ~MariaDb();

  /// Makes an empty database and answers its URL for Location::parse.
  std::string new_database();
  /// URL of `database` for `login` (`user` or `user:password`), with more `parameters` (`&a=b`).
  std::string url(const std::string& login, const std::string& database,
                  const std::string& parameters = "") const;
  /// Runs statements as root.
  void execute(const std::string& sql);

  /// As if the power went: SIGKILL, and returns when the process is gone.
  void kill9();
  /// Does so at a random instant of that time: any will do. Join the thread.
  std::thread kill9_within(std::chrono::microseconds most, std::mt19937_64& random);
  /// Starts it again after kill9(), on the same socket and data, with more server `options`.
  void restart(const std::vector<std::string>& options = {});

  std::string socket_path() const { return folder_ + "/s.sock"; }
  const std::string& folder() const noexcept { return folder_; }

 private:
  MariaDb();
  std::vector<std::string> command() const;

  std::string folder_;
  pid_t server_ = 0;
  int databases_ = 0;
};

}  // namespace manhattan::tests
