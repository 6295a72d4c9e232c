// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/folder.h"
#include "base/unique_fd.h"

namespace manhattan::base {

/// The file operations on which durability rests; a test makes any of them fail. All that opens,
/// renames or removes goes through Folder.
///
/// Errors: IoError with the path, for all but what is said to answer otherwise; RefusedError where
///         another may have put what stands there.
class Files {
 public:
  virtual ~Files() = default;

  /// Opens for appending what is ours, created with `mode` (less the umask) where missing.
  virtual UniqueFd open_append(const std::string& path, unsigned mode) = 0;
  /// The same of a file that several users of a group write.
  virtual UniqueFd open_shared(const std::string& path, unsigned mode) = 0;
  /// Makes the file, for appending; IoError where the name is taken.
  virtual UniqueFd create(const std::string& path, unsigned mode) = 0;
  /// None where there is no such file.
  virtual UniqueFd open_read(const std::string& path) = 0;
  /// The same of what only we may have made, for it is believed.
  virtual UniqueFd open_own(const std::string& path) = 0;
  /// Opens for write_at(); IoError where there is no such file.
  virtual UniqueFd open_update(const std::string& path) = 0;
  /// All of `bytes`, or throws with an unknown part of them written.
  virtual void write_all(int fd, std::string_view bytes, const std::string& path) = 0;
  /// The same, over what stands at `offset`.
  virtual void write_at(int fd, std::string_view bytes, std::uint64_t offset,
                        const std::string& path) = 0;
  /// Up to `into.size()` bytes from `offset`; fewer only at the end of the file.
  virtual std::size_t read_at(int fd, std::span<char> into, std::uint64_t offset,
                              const std::string& path) = 0;
  virtual std::uint64_t size(int fd, const std::string& path) = 0;
  /// fdatasync: returns when the bytes are on disk; of a folder, the names in it.
  virtual void sync(int fd, const std::string& path) = 0;
  virtual void truncate(int fd, std::uint64_t size, const std::string& path) = 0;
  /// Within one folder.
  virtual void rename(const std::string& from, const std::string& to) = 0;
  /// A missing file is no error.
  virtual void remove(const std::string& path) = 0;
  /// Names, without the folder, of what is in `folder`; unsorted.
  virtual std::vector<std::string> list(const std::string& folder) = 0;
};

/// The machine's files.
class SystemFiles : public Files {
 public:
  UniqueFd open_append(const std::string& path, unsigned mode) override;
  UniqueFd open_shared(const std::string& path, unsigned mode) override;
  UniqueFd create(const std::string& path, unsigned mode) override;
  UniqueFd open_read(const std::string& path) override;
  UniqueFd open_own(const std::string& path) override;
  UniqueFd open_update(const std::string& path) override;
  void write_all(int fd, std::string_view bytes, const std::string& path) override;
  void write_at(int fd, std::string_view bytes, std::uint64_t offset,
                const std::string& path) override;
  std::size_t read_at(int fd, std::span<char> into, std::uint64_t offset,
                      const std::string& path) override;
  std::uint64_t size(int fd, const std::string& path) override;
  void sync(int fd, const std::string& path) override;
  void truncate(int fd, std::uint64_t size, const std::string& path) override;
  void rename(const std::string& from, const std::string& to) override;
  void remove(const std::string& path) override;
  std::vector<std::string> list(const std::string& folder) override;
};

/// Makes the name of `path` durable, or its absence.
void sync_folder(Files& files, const std::string& path);

/// All of an open file.
std::string read_all(Files& files, int fd, const std::string& path);
/// The whole of a small file, such as a config or a secret; IoError where it can't be read.
std::string read_file(const std::string& path);

}  // namespace manhattan::base
