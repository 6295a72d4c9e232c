// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "base/files.h"

namespace manhattan::base {

/// A new file that takes the place of another at once, whole and durable, or not at all. It is
/// `PATH.part` until then, which a kill may leave, and the next Replacement removes.
///
/// Owns:   the new file until commit(); `files` must outlive it.
/// Errors: IoError; RefusedError where the target is a link, say.
class Replacement {
 public:
  /// With the permissions of the file that it replaces; `mode` where there is none yet.
  Replacement(Files& files, std::string path, unsigned mode = 0640);
  ~Replacement();
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  int fd() const noexcept { return fd_.get(); }
  const std::string& path() const noexcept { return part_; }
  void commit();

 private:
  std::optional<struct stat> status_of_old() const;

  Files& files_;
  const std::string target_;
  const std::string part_;
  UniqueFd fd_;
};

}  // namespace manhattan::base
