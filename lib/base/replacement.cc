// SPDX-License-Identifier: MIT
#include "base/replacement.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"

namespace manhattan::base {

Replacement::Replacement(Files& files, std::string path, unsigned mode)
    : files_(files), target_(std::move(path)), part_(target_ + ".part") {
  files_.remove(part_);
  fd_ = files_.open_append(part_, mode);
  struct stat old {};
  if (::stat(target_.c_str(), &old) != 0) return;
  if (::fchmod(fd_.get(), old.st_mode & 07777) != 0)
    throw IoError("change mode of", part_, last_error());
  // Another's file stays another's where we may say so.
  if (old.st_uid != ::geteuid() && ::fchown(fd_.get(), old.st_uid, old.st_gid) != 0 &&
      ::geteuid() == 0)
    throw IoError("change owner of", part_, last_error());
}

Replacement::~Replacement() {
  if (fd_) ::unlink(part_.c_str());
}

void Replacement::commit() {
  files_.sync(fd_.get(), part_);
  files_.rename(part_, target_);
  fd_.reset();
  sync_folder(files_, target_);
}

}  // namespace manhattan::base
