// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <sys/stat.h>

#include "base/error.h"
#include "base/files.h"

namespace manhattan::base {

std::string read_secret(const std::string& path) {
  try {
    SystemFiles files;
    const auto fd = files.open_own(path);
    struct stat status {};
    if (!fd)
      throw IoError("open", path, std::make_error_code(std::errc::no_such_file_or_directory));
    if (::fstat(fd.get(), &status) != 0) throw IoError("stat", path, last_error());
    if ((status.st_mode & S_IRWXO) != 0)
      throw ConfigError("'" + path + "' can be read by everyone: chmod o= it");
    return read_all(files, fd.get(), path);
  } catch (const IoError& error) {
    throw ConfigError(error.what());
  }
}

}  // namespace manhattan::base
