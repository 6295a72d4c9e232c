// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

namespace manhattan {

/// What cold paths throw. Messages are one line, lower case, the name quoted.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The user can fix it in an option, a config file or a command: exit 2.
struct ConfigError : Error {
  using Error::Error;
};

/// Bytes break a documented format: exit 3.
struct DamageError : Error {
  using Error::Error;
};

/// The other side did not answer in time: exit 4.
struct TimeoutError : Error {
  using Error::Error;
};

/// The machine failed us: exit 1.
struct IoError : Error {
  IoError(const std::string& action, const std::string& path, std::error_code why)
      : Error("cannot " + action + " '" + path + "': " + why.message()), code(why) {}
  IoError(const std::string& sentence, std::error_code why) : Error(sentence), code(why) {}

  const std::error_code code;
};

/// errno as an error_code, for the line after a failed system call.
std::error_code last_error() noexcept;

}  // namespace manhattan
