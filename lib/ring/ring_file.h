// SPDX-License-Identifier: MIT
// The file that holds a ring: made by the server, mapped by everybody.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <string>

#include "base/files.h"
#include "ring/view.h"

namespace manhattan::ring {

inline constexpr std::uint64_t kDefaultRingBytes = 64 << 20;
inline constexpr std::uint64_t kMostRingBytes = std::uint64_t{64} << 30;

/// The shape of a ring whose cells take `size_bytes`, or a little more where no whole shards come
/// to that; the file's header comes on top. About two shards a CPU, fewer where they would get too
/// small for the longest record. ConfigError where even one would, or beyond 64 GiB.
Shape shape_for(std::uint64_t size_bytes);

/// Makes a ring of `shape` at `path` where there is none, keeps a valid one as it is. One whose
/// header a writer spoilt is renamed to `path`.spoilt, and another made: it is ours, has a ring's
/// size and is drained by nobody. True then; what waited in it is lost.
///
/// Errors: ConfigError where what stands at `path` is no ring of this version; IoError where the
///         machine refuses (no space is found out here and not by a SIGBUS in a web request).
///         Nothing half-made is left under `path`.
bool ensure_ring(base::Files& files, const std::string& path, const Shape& shape);
bool ensure_ring(base::Files& files, const std::string& path,
                 std::uint64_t size_bytes = kDefaultRingBytes);

/// Opens the ring's file; nothing where there is none. In a folder that others may write it may be
/// any user's of the group that shares it: base/folder.h.
base::UniqueFd open_ring(const std::string& path, int flags);

/// A ring's file in this process's memory.
///
/// Owns:   the mapping, not the descriptor.
/// Errors: the constructor throws IoError, or ConfigError where it is no ring of this version.
class Mapping {
 public:
  enum class Access { read_write, read_only };
  explicit Mapping(const std::string& path, Access access = Access::read_write);

  const View& view() const noexcept { return view_; }
  /// All of it, for survives().
  std::span<const std::byte> memory() const noexcept {
    return {static_cast<const std::byte*>(region_.get_address()), region_.get_size()};
  }
  /// `path` still names this file; not where it was replaced or removed.
  bool is_current(const std::string& path) const noexcept;
  /// Its header says what it did when it was mapped: else nobody can map it any more.
  bool is_sound() const noexcept;

 private:
  boost::interprocess::mapped_region region_;
  View view_;
  Identity identity_{};
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

}  // namespace manhattan::ring
