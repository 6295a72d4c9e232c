// SPDX-License-Identifier: MIT
// The hourly files of the text log: their names, and which files are of it at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "log/inflater.h"

namespace manhattan::log {

struct Compression {
  std::string_view suffix;
  Inflater::Format format;
  std::string_view magic;  ///< what such a file begins with
};
/// What a segment may be compressed with, by the end of its name.
inline constexpr Compression kCompressed[] = {{".gz", Inflater::Format::gzip, "\x1f\x8b"},
                                              {".zst", Inflater::Format::zstd, "\x28\xb5\x2f\xfd"}};
/// The one of these that `path` names; null for a plain file.
const Compression* compression_of(std::string_view path) noexcept;

/// `PREFIX.<epoch of the UTC hour>` for a record taken in at `at`.
std::string segment_path(const std::string& prefix, UnixNanos at);

/// The hour in a segment's name, in seconds; nothing where `name` is no segment of `prefix`
/// (`PREFIX.spill`, `PREFIX.lock`, `PREFIX.1_old`, and logrotate's `PREFIX.1`).
std::optional<std::int64_t> segment_hour_s(std::string_view path, const std::string& prefix);

/// The file that is read as `path`: the plain one, else the compressed one; nothing where there is
/// neither.
std::optional<std::string> stored_path(const std::string& path);

/// Which files are segments of a text log. Everything that reads, appends to, compresses, edits or
/// deletes segments asks here, for other programs keep files beside the log: `--path access.log`
/// has logrotate's `access.log.1` beside it.
///
/// A segment has a segment's name, is a regular file and no link, is compressed if its name says
/// so, and holds a record. Whatever else has such a name is left alone, and told once.
///
/// Threads: any.
/// Errors:  IoError where a folder or a file can't be read for another reason than a missing right.
class Segments {
 public:
  using Tell = std::function<void(const std::string& what)>;
  /// Of thousands that somebody put there only the first `most_told` are named.
  explicit Segments(std::string prefix, Tell tell = {}, std::size_t most_told = 20);

  const std::string& prefix() const noexcept { return prefix_; }

  /// What has a segment's name, oldest hour first; a compressed file under its plain name. No file
  /// is opened.
  std::vector<std::string> list(base::Files& files);

  /// Opens what may be a segment; nothing where there is no file or something else. A name that
  /// ends as a compressed file's does means that very file.
  base::UniqueFd open(base::Files& files, const std::string& path);

  enum class Holds {
    records,  ///< it is a segment
    no_line,  ///< nothing yet to judge it by: a writer has just begun, or all of it is damaged
    others,   ///< no record among its first megabytes: it is somebody else's
  };
  /// Looks into what open() opened.
  Holds look(base::Files& files, int fd, const std::string& path);
  /// Both in one.
  bool is_segment(base::Files& files, const std::string& path);
  /// A segment that may be replaced or deleted: among its first lines records prevail. To be read,
  /// one record is enough, for who writes the ring may put anything in front of it.
  bool may_be_destroyed(base::Files& files, const std::string& path);
  /// Tells, once, that the file is not of the log.
  void leave_alone(const std::string& path, const std::string& why) { tell(path, why); }

 private:
  struct Stranger {  // as it was when it was looked into
    std::uint64_t device = 0, inode = 0, stored_bytes = 0;
    std::int64_t changed_ns = 0;
    std::uint64_t searched_bytes = 0;
  };
  void tell_names(const std::vector<std::string>& names);
  void tell(const std::string& path, const std::string& why);

  const std::string prefix_;
  const Tell tell_;
  const std::size_t most_told_;
  std::mutex mutex_;
  std::map<std::string, Stranger> strangers_;  // by path
  std::set<std::string> told_, told_names_;
};

/// Where the next record to count stands: `file:offset`, as the original keeps it.
struct Pointer {
  std::string file;  ///< the segment's path
  std::uint64_t offset = 0;

  std::string to_string() const { return file + ":" + std::to_string(offset); }
  friend auto operator<=>(const Pointer&, const Pointer&) = default;
};

/// The end of a segment that is written, and of which file that is, for its name may become
/// another's.
struct Written : Pointer {
  std::uint64_t inode = 0;  ///< 0: not known
};

std::uint64_t inode_of(int fd, const std::string& path);
/// Of what stands there now, a link itself; nothing where there is nothing.
std::optional<std::uint64_t> inode_at(const std::string& path);

}  // namespace manhattan::log
