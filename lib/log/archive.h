// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/pulse.h"
#include "log/segment.h"

namespace manhattan::log {

/// The machine's files, with compressed ones in the place of plain: `log.3600.gz` or `.zst` is
/// opened and read as `log.3600`, offsets and all, unless that stands there too. Opened under its
/// own name it is read in the same way.
///
/// Owns:    the decoders of the compressed files last opened, one a descriptor. What was read last
///          is kept, for a reader comes back to the line that it had in part; further back is from
///          the beginning again.
/// Threads: one.
/// Errors:  IoError. A compressed file that is damaged ends where the damage begins, and `damaged`
///          is told, once a file.
class ArchiveFiles final : public base::SystemFiles {
 public:
  using Damaged = std::function<void(const std::string& what)>;
  /// `pulse` beats while compressed bytes are skipped, however many; null: nobody looks. It must
  /// outlive this.
  explicit ArchiveFiles(Damaged damaged, base::Pulse* pulse = nullptr)
      : damaged_(std::move(damaged)), pulse_(pulse) {}

  base::UniqueFd open_append(const std::string& path, unsigned mode) override;
  base::UniqueFd open_shared(const std::string& path, unsigned mode) override;
  base::UniqueFd open_read(const std::string& path) override;
  std::size_t read_at(int fd, std::span<char> into, std::uint64_t offset,
                      const std::string& path) override;
  /// Of a compressed file that was not read to its end and does not say so: more than it can be.
  std::uint64_t size(int fd, const std::string& path) override;

 private:
  struct Compressed {
    std::string path;
    Inflater::Format format;
    std::optional<Inflater> inflater = {};
    std::uint64_t position = 0;              ///< of the inflater
    std::string last = {};                   ///< read last, up to `position`
    std::optional<std::uint64_t> size = {};  ///< as far as it can be read, once that is known
    std::optional<std::uint64_t> said_size = {};
  };

  void restart(Compressed& file);
  std::size_t inflate(Compressed& file, std::span<char> into);

  Damaged damaged_;
  base::Pulse* const pulse_;
  std::map<int, Compressed> compressed_;  // by descriptor; a plain file takes the number back
};

}  // namespace manhattan::log
