// SPDX-License-Identifier: MIT
#include "base/replacement.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"

namespace manhattan::base {

Replacement::Replacement(Files& files, std::string path, unsigned mode)
    : files_(files), target_(std::move(path)), part_(target_ + ".part") {
  const auto old = status_of_old();
  files_.remove(part_);
  fd_ = files_.create(part_, mode);
  if (!old) return;
  if (::fchmod(fd_.get(), old->st_mode & 0777) != 0)
    throw IoError("change mode of", part_, last_error());
  // Another's file stays another's where we may say so.
  if (old->st_uid != ::geteuid() && ::fchown(fd_.get(), old->st_uid, old->st_gid) != 0 &&
      ::geteuid() == 0)
    throw IoError("change owner of", part_, last_error());
}

// Whose permissions are kept. Others than we may have left a file for all to read where there is to
// be a new one.
std::optional<struct stat> Replacement::status_of_old() const {
  const Folder folder(folder_of(target_));
  const auto old = folder.status(name_of(target_));
  if (!old) return std::nullopt;
  if (!S_ISREG(old->st_mode) || (folder.is_shared() && old->st_nlink > 1))
    throw RefusedError("replace", target_, "it is a link, a folder or no regular file");
  const bool is_believed = !folder.is_shared() || old->st_uid == ::geteuid() || ::geteuid() == 0;
  return is_believed ? old : std::nullopt;
}

Replacement::~Replacement() {
  if (!fd_) return;
  try {
    files_.remove(part_);
  } catch (const IoError&) {  // the next Replacement tries again, and says so
  }
}

void Replacement::commit() {
  files_.sync(fd_.get(), part_);
  files_.rename(part_, target_);
  fd_.reset();
  sync_folder(files_, target_);
}

}  // namespace manhattan::base
