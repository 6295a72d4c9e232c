// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <sys/stat.h>

#include "base/error.h"
#include "base/files.h"

namespace manhattan::base {

std::string read_secret(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw ConfigError(IoError("open", path, last_error()).what());
  if ((status.st_mode & S_IRWXO) != 0) {
    throw ConfigError("'" + path + "' can be read by everyone: chmod o= it");
  }
  try {
    return read_file(path);
  } catch (const IoError& error) {
    throw ConfigError(error.what());
  }
}

}  // namespace manhattan::base
