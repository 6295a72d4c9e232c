// SPDX-License-Identifier: MIT
#include "log/archive.h"

#include <algorithm>

#include "base/error.h"
#include "log/deflater.h"

namespace manhattan::log {
namespace {

constexpr std::uint64_t kUnknownSize = std::uint64_t{1} << 62;
constexpr std::size_t kSkipBytes = 1 << 16;

}  // namespace

base::UniqueFd ArchiveFiles::open_append(const std::string& path, unsigned mode) {
  auto fd = SystemFiles::open_append(path, mode);
  compressed_.erase(fd.get());
  return fd;
}

base::UniqueFd ArchiveFiles::open_shared(const std::string& path, unsigned mode) {
  auto fd = SystemFiles::open_shared(path, mode);
  compressed_.erase(fd.get());
  return fd;
}

base::UniqueFd ArchiveFiles::open_read(const std::string& path) {
  auto fd = SystemFiles::open_read(path);
  auto stored = path;
  for (const auto& compression : kCompressed) {
    if (fd) break;
    stored = path + std::string(compression.suffix);
    fd = SystemFiles::open_read(stored);
  }
  if (!fd) return fd;
  compressed_.erase(fd.get());
  if (const auto* compression = compression_of(stored)) {
    Compressed file{stored, compression->format};
    if (compression->format == Inflater::Format::zstd) file.said_size = said_size(fd.get(), stored);
    compressed_.insert_or_assign(fd.get(), std::move(file));
  }
  return fd;
}

std::uint64_t ArchiveFiles::size(int fd, const std::string& path) {
  const auto known = compressed_.find(fd);
  if (known == compressed_.end()) return SystemFiles::size(fd, path);
  const auto& file = known->second;
  return file.size.value_or(file.said_size.value_or(kUnknownSize));
}

std::size_t ArchiveFiles::read_at(int fd, std::span<char> into, std::uint64_t offset,
                                  const std::string& path) {
  const auto known = compressed_.find(fd);
  if (known == compressed_.end()) return SystemFiles::read_at(fd, into, offset, path);
  auto& file = known->second;
  if (!file.inflater || offset + file.last.size() < file.position) restart(file);
  char skipped[kSkipBytes];
  while (file.position < offset) {
    file.last.clear();
    const auto wanted = std::min<std::uint64_t>(kSkipBytes, offset - file.position);
    if (inflate(file, std::span(skipped, wanted)) < wanted) return 0;
  }
  const auto known_bytes =
      file.last.copy(into.data(), into.size(), file.last.size() - (file.position - offset));
  const auto size = known_bytes + inflate(file, into.subspan(known_bytes));
  if (offset + size == file.position) file.last.assign(into.data(), size);
  return size;
}

void ArchiveFiles::restart(Compressed& file) {
  auto fd = SystemFiles::open_read(file.path);
  if (!fd)
    throw IoError("open", file.path, std::make_error_code(std::errc::no_such_file_or_directory));
  file.inflater.emplace(file.format, std::move(fd), file.path);
  file.position = 0;
  file.last.clear();
}

std::size_t ArchiveFiles::inflate(Compressed& file, std::span<char> into) {
  std::size_t size = 0;
  if (file.size && *file.size - file.position < into.size())
    into = into.first(*file.size - file.position);  // what lies behind damage is never asked for
  // In small pieces, so that the pulse beats.
  while (size < into.size()) {
    const auto piece = into.subspan(size, std::min(kSkipBytes, into.size() - size));
    std::size_t got = 0;
    try {
      got = file.inflater->read(piece);
    } catch (const DamageError& error) {
      damaged_(std::string(error.what()) + ", after " + std::to_string(file.position) +
               " bytes of it");
    }
    if (pulse_ != nullptr) pulse_->beat();
    size += got;
    file.position += got;
    if (got > 0) continue;
    file.size = file.position;
    break;
  }
  return size;
}

}  // namespace manhattan::log
