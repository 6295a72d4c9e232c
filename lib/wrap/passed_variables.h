// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/message_log.h"
#include "http/environment.h"

namespace manhattan::wrap {

/// Which variables of a request reach the program.
///
/// A FastCGI peer may name any: BASH_ENV, PERL5LIB, GLIBC_TUNABLES or php-fpm's PHP_VALUE would
/// have the program run the peer's own code. So only those pass that CGI defines (RFC 3875), that
/// web servers add to them, that carry a request header (HTTP_*), and that the administrator named.
///
/// Threads: any number.
class PassedVariables {
 public:
  /// `patterns` of further names; one that ends in `*` stands for all that begin alike. ConfigError
  /// for one that is no name of a variable. `is_bound`: requests may run some programs only.
  PassedVariables(std::vector<std::string> patterns, bool is_bound);

  bool passes(std::string_view name) const noexcept;
  /// Takes all others out of `environment`. `messages` gets a line for each name, the first time.
  void apply(http::Environment& environment, base::MessageLog& messages) const;

 private:
  static constexpr std::size_t kMostNamed = 100;  // names come from outside, and must not add up

  void name_once(std::string_view name, base::MessageLog& messages) const;

  const std::vector<std::string> patterns_;
  const bool is_bound_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> named_;  ///< under mutex_
};

}  // namespace manhattan::wrap
