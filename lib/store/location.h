// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/pulse.h"

namespace manhattan::store {

class Reader;
class Store;

/// A place to open stores at: `sqlite:///relative`, `sqlite:////absolute`, or
/// `mysql://user:password@host:port/database?unix_socket=...&ssl_ca=...`.
class Location {
 public:
  /// ConfigError, with the password left out of the message, where `url` is malformed or of
  /// another kind of store.
  static Location parse(const std::string& url);

  /// Connects and makes the schema where it is missing. StoreError; ConfigError where the store's
  /// schema is of a later version.
  /// `pulse` beats as a commit goes on, and may give it up; null: nobody looks. It must outlive the
  /// store.
  std::unique_ptr<Store> open(base::Pulse* pulse = nullptr) const;
  std::unique_ptr<Reader> open_reader() const;

  /// True where it is a file that every user of this machine may read.
  bool is_readable_by_all() const;

  /// The URL with the password left out.
  std::string to_string() const;
  void set_password(std::string password);

  struct Parts {
    std::string scheme, user, password, host, database;  ///< database: the path for sqlite
    int port = 0;
    std::map<std::string, std::string> parameters;
  };
  const Parts& parts() const noexcept { return parts_; }

 private:
  Parts parts_;
};

}  // namespace manhattan::store
