// SPDX-License-Identifier: MIT
// The one way to a file in a folder that others may write. Who may write a folder may put a link, a
// fifo or another's file under any name in it at any moment; a server that opens that name then
// reads, fills or empties a file that the other could not have reached itself.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace manhattan::base {

/// What stands there is not a file that may be used: cannot open 'x': it is a link.
struct RefusedError : IoError {
  RefusedError(const std::string& action, const std::string& path, std::string reason);
  const std::string why;
};

/// Who may have made the file, in a folder that others may write. Root, and the folder's owner, may
/// do as they like there.
enum class Maker {
  us,
  /// As well as a user of the group that shares the folder: the file is of the folder's group, or
  /// of one of this process's own.
  group,
};

/// A folder, held open: what is done with its files is done there, wherever its path leads by then.
/// Its path may be a link, for the administrator chose it.
///
/// In a folder that only this user and root may write, the administrator's own links are followed.
/// In any other a file is opened only if it is no link, is a regular file, has no second name (a
/// hard link to another's file) and was made by one who may.
///
/// Errors: RefusedError where a file is not used for these reasons, else IoError. Neither waits for
///         a fifo's other end.
class Folder {
 public:
  explicit Folder(std::string path);

  /// Others than this user and root may write it.
  bool is_shared() const noexcept { return is_shared_; }

  /// An empty descriptor where there is no such file and `flags` do not make one.
  UniqueFd open(const std::string& name, int flags, unsigned mode, Maker maker) const;
  /// The same, and never through a link, nor anything but a regular file.
  UniqueFd open_plain(const std::string& name, int flags, unsigned mode, Maker maker) const;
  /// To list it, or to make durable which names are in it.
  UniqueFd open_itself() const;
  /// RefusedError where open() of a file that we may have made would refuse it. Nothing is opened,
  /// for the locks of fcntl(2) that this process has on a file end when any descriptor of it is
  /// closed.
  void check(const std::string& name) const;
  /// Of what has the name, a link itself.
  std::optional<struct stat> status(const std::string& name) const;
  void rename(const std::string& from, const std::string& to) const;
  /// Of a link the link itself. A missing file is no error.
  void remove(const std::string& name) const;

 private:
  enum class Links { followed, refused };
  UniqueFd open(const std::string& name, int flags, unsigned mode, Maker maker, Links links) const;
  UniqueFd open_once(const std::string& name, int flags, unsigned mode, Links links) const;
  void check_type(int fd, const std::string& name, Links links) const;
  bool is_of_name(int fd, const std::string& name, Maker maker) const;
  void check_shared(const struct stat& file, const std::string& name, Maker maker) const;
  bool is_maker(const struct stat& status, Maker maker) const;
  std::string path_of(const std::string& name) const;

  const std::string path_;
  UniqueFd fd_;
  struct stat status_ {};
  bool is_shared_ = false;
};

/// The file that an administrator named, such as a message log: see Folder::open().
UniqueFd open_named(const std::string& path, int flags, unsigned mode);

/// `a/b` of `a/b/c`; `.` where there is no slash.
std::string folder_of(const std::string& path);
/// `c` of `a/b/c`.
std::string name_of(const std::string& path);

}  // namespace manhattan::base
