// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/fcgi_client.h"
#include "wrap/server.h"

namespace manhattan::test {

/// A wrap::Server in a process of its own, with a folder for programs and its log.
///
/// Owns: the process, ended and waited for at the end, and the folder, removed then.
class FcgiWrapper {
 public:
  /// `adjust` may change the settings before the server starts.
  using Adjust = std::function<void(wrap::Server::Settings&, Middleware::Settings&)>;
  explicit FcgiWrapper(const Adjust& adjust = {});
  ~FcgiWrapper();

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string socket() const { return path("socket"); }
  pid_t pid() const noexcept { return pid_; }

  /// Writes an executable file; the path of it.
  std::string program(const std::string& name, const std::string& text) const;
  /// A shell program that prints a plain head, then runs `script`.
  std::string shell(const std::string& name, const std::string& script) const;

  /// Parameters of a GET for `program`, `more` after them.
  static FcgiParameters get(const std::string& program, const FcgiParameters& more = {});
  /// One request on a connection of its own.
  FcgiAnswer ask(const FcgiParameters& parameters, std::string_view body = {}) const;
  /// `ask(get(shell("program", script)))`
  FcgiAnswer run(const std::string& script) const { return ask(get(shell("program", script))); }

  /// Lines of the text log, without their newlines.
  std::vector<std::string> records() const;
  /// What the server has said so far.
  std::string messages() const;
  /// SIGTERM, and its exit code.
  int stop();

 private:
  std::string folder_;
  pid_t pid_ = -1;
};

/// The whole file; empty where there is none.
std::string contents_of(const std::string& path);

/// Asks again until it is so, for at most 20 seconds.
bool becomes_true(const std::function<bool()>& is_so);

}  // namespace manhattan::test
