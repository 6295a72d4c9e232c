// SPDX-License-Identifier: MIT
#include "ring/ring_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "base/denial.h"
#include "base/error.h"
#include "base/mappable.h"
#include "ring/bus_guard.h"
#include "ring/owner.h"

namespace manhattan::ring {
namespace {

namespace interprocess = boost::interprocess;

constexpr std::uint64_t kLeastShardCells = 8192;  // the longest record takes a quarter at most
// Of a shard, so that the shards come to the size asked for. A writer fills one shard alone, so
// many small ones would be full sooner than a few large ones.
constexpr std::uint32_t kMostHalvings = 2;
// The web server's group writes to the ring; the world does not even read it.
constexpr unsigned kMode = 0660;

std::uint64_t new_epoch() {
  std::random_device entropy;
  return std::uint64_t{entropy()} << 32 | entropy();
}

/// Writes every byte, so that the file has no hole: a hole in a full tmpfs is a SIGBUS in whoever
/// touches it first. Through Files rather than posix_fallocate, which some file systems lack.
void write_ring(base::Files& files, int fd, const std::string& path, const Shape& shape) {
  constexpr std::size_t kChunk = 1 << 20;
  const std::unique_ptr<std::byte[], void (*)(void*)> chunk(
      static_cast<std::byte*>(std::aligned_alloc(4096, kChunk)), std::free);
  if (!chunk) throw std::bad_alloc();
  std::fill_n(chunk.get(), kChunk, std::byte{0});
  format({chunk.get(), kHeaderBytes}, shape);
  const auto* bytes = reinterpret_cast<const char*>(chunk.get());
  files.write_all(fd, {bytes, kHeaderBytes}, path);
  std::fill_n(chunk.get(), kHeaderBytes, std::byte{0});
  for (auto left = shape.file_bytes() - kHeaderBytes; left > 0;) {
    const auto step = std::min<std::uint64_t>(left, kChunk);
    files.write_all(fd, {bytes, step}, path);
    left -= step;
  }
}

bool exists(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == EACCES) throw Error(base::denial_of(path));
  if (errno != ENOENT) throw IoError("open ring", path, last_error());
  return false;
}

void make_ring(base::Files& files, const std::string& path, const Shape& shape) {
  const auto draft = path + ".new";
  const auto fd = files.open_append(draft, kMode);
  // Two servers that start at once: the lock goes with its holder, the file it leaves is reused.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    throw ConfigError("cannot create ring '" + path + "': another process is creating it");
  }
  if (exists(path)) return;
  files.truncate(fd.get(), 0, draft);
  try {
    write_ring(files, fd.get(), draft, shape);
    if (::fchmod(fd.get(), kMode) != 0) throw IoError("change mode of", draft, last_error());
    files.rename(draft, path);
  } catch (const Error&) {
    files.remove(draft);
    throw;
  }
}

/// A ring of ours in all but its header. A file of somebody else's hardly has a ring's size.
bool is_spoilt(const std::string& path) {
  constexpr auto kShardBytes = kLeastShardCells * sizeof(Cell);
  const auto fd = open_ring(path, O_RDONLY);
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const bool has_size = size > kHeaderBytes && (size - kHeaderBytes) % kShardBytes == 0;
  const bool is_ours = S_ISREG(status.st_mode) && status.st_nlink == 1 &&
                       status.st_uid == ::geteuid() && (status.st_mode & ALLPERMS) == kMode;
  std::vector<std::byte> header(kHeaderBytes);
  if (!has_size || !is_ours || ::pread(fd.get(), header.data(), kHeaderBytes, 0) < 0) return false;
  // A whole header of another version is a ring of another program's.
  const auto why = why_not(header, size);
  if (why.empty() || why == kOtherVersion) return false;
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;  // else its drain sees to it
}

interprocess::mapped_region map(const std::string& path, Mapping::Access access,
                                struct stat& status) {
  const auto mode =
      access == Mapping::Access::read_only ? interprocess::read_only : interprocess::read_write;
  const auto fd = open_ring(path, access == Mapping::Access::read_only ? O_RDONLY : O_RDWR);
  if (!fd) throw Error("there is no ring '" + path + "': is manhattan-server running?");
  try {
    if (::fstat(fd.get(), &status) != 0) throw IoError("stat", path, last_error());
    if (!S_ISREG(status.st_mode) || status.st_size < static_cast<off_t>(kHeaderBytes)) {
      throw ConfigError("cannot use ring '" + path + "': too short to be a ring");
    }
    return interprocess::mapped_region(base::Mappable{fd.get()}, mode, 0,
                                       static_cast<std::size_t>(status.st_size));
  } catch (const interprocess::interprocess_exception& failure) {
    throw IoError("open ring", path,
                  std::error_code(failure.get_native_error(), std::system_category()));
  }
}

}  // namespace

base::UniqueFd open_ring(const std::string& path, int flags) {
  try {
    const base::Folder folder(base::folder_of(path));
    return folder.open(base::name_of(path), flags, 0, base::Maker::group);
  } catch (const base::RefusedError&) {
    throw;
  } catch (const IoError& error) {
    if (error.code == std::errc::no_such_file_or_directory) return {};
    if (error.code == std::errc::permission_denied) throw Error(base::denial_of(path));
    throw IoError("open ring", path, error.code);
  }
}

Shape shape_for(std::uint64_t size_bytes) {
  constexpr auto kLeast = kLeastShardCells * sizeof(Cell);
  if (size_bytes < kLeast || size_bytes > kMostRingBytes) {
    throw ConfigError("ring size " + std::to_string(size_bytes) + " is not between " +
                      std::to_string(kLeast) + " and " + std::to_string(kMostRingBytes));
  }
  const auto cells = (size_bytes + sizeof(Cell) - 1) / sizeof(Cell);
  const auto cpus = std::max(1u, std::thread::hardware_concurrency());
  const auto wanted = std::min<std::uint64_t>(std::bit_ceil(2 * cpus), kMaxShards);
  const auto fewest = std::min(std::bit_floor(cells / kLeastShardCells), wanted);
  // The cells of a shard are a power of two. 64 MiB divide into 4 shards of 16; 48 MiB into 6 of 8;
  // 100 MiB would leave a rest, until shards of 4 MiB, of which there are 25.
  const auto largest_log2 = static_cast<std::uint32_t>(std::bit_width(cells / fewest) - 1);
  const auto shards_of = [&](std::uint32_t log2) {
    return (cells + (std::uint64_t{1} << log2) - 1) >> log2;
  };
  auto log2 = largest_log2;
  for (auto smaller = largest_log2; smaller + kMostHalvings >= largest_log2; --smaller) {
    const bool is_allowed =
        std::uint64_t{1} << smaller >= kLeastShardCells && shards_of(smaller) <= kMaxShards;
    if (is_allowed && shards_of(smaller) << smaller < shards_of(log2) << log2) log2 = smaller;
  }
  return {static_cast<std::uint32_t>(shards_of(log2)), log2, new_epoch(), current_pid_namespace()};
}

bool ensure_ring(base::Files& files, const std::string& path, const Shape& shape) {
  if (!exists(path)) make_ring(files, path, shape);
  if (!is_spoilt(path)) {
    const Mapping is_usable(path);
    return false;
  }
  files.rename(path, path + ".spoilt");
  make_ring(files, path, shape);
  return true;
}

bool ensure_ring(base::Files& files, const std::string& path, std::uint64_t size_bytes) {
  return ensure_ring(files, path, shape_for(size_bytes));
}

Mapping::Mapping(const std::string& path, Access access) {
  struct stat status {};
  region_ = map(path, access, status);
  const std::span memory(static_cast<std::byte*>(region_.get_address()), region_.get_size());
  std::optional<View> seen;
  if (!survives(memory, [&] { seen = ring::view(memory); })) {
    throw ConfigError("cannot use ring '" + path + "': it was cut short");
  }
  if (!seen) {
    const auto why = why_not(memory);
    throw ConfigError("cannot use ring '" + path +
                      "': " + std::string(why.empty() ? "it is changing" : why));
  }
  view_ = *seen;
  if (!survives(memory, [&] { identity_ = view_.header->identity; }))
    throw ConfigError("cannot use ring '" + path + "': it was cut short");
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

bool Mapping::is_sound() const noexcept {
  Identity now{};
  const auto look = [&] { std::memcpy(&now, &view_.header->identity, sizeof now); };
  return survives(memory(), look) && std::memcmp(&now, &identity_, sizeof now) == 0;
}

bool Mapping::is_current(const std::string& path) const noexcept {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

}  // namespace manhattan::ring
