// SPDX-License-Identifier: MIT
#include "log/forget.h"

#include <algorithm>

#include "base/error.h"
#include "base/replacement.h"
#include "log/archive.h"
#include "log/deflater.h"
#include "log/segment_writer.h"

namespace manhattan::log {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::size_t kMostBytes = 16 << 20;  // of something without a newline

/// Calls `use` with what `read` gives, in pieces of whole lines, and each piece's offset. What
/// stands behind the last newline is a piece as well.
template <class Read, class Use>
void for_each_piece(Read read, Use use) {
  std::string bytes;
  std::uint64_t offset = 0;
  for (bool is_end = false; !is_end;) {
    const auto known = bytes.size();
    bytes.resize(known + kPieceBytes);
    const auto got = read(std::span(bytes).subspan(known));
    bytes.resize(known + got);
    is_end = got == 0;
    const auto lines = bytes.rfind('\n') + 1;  // npos + 1 is 0
    auto piece = bytes.substr(0, is_end || bytes.size() > kMostBytes ? bytes.npos : lines);
    bytes.erase(0, piece.size());
    const auto size = piece.size();
    use(std::move(piece), offset);
    offset += size;
  }
}

template <class Use>
void for_each_piece_of(base::Files& files, const std::string& stored, Inflater::Format format,
                       Use use) {
  Inflater inflater(format, files.open_read(stored), stored);
  for_each_piece([&](std::span<char> into) { return inflater.read(into); }, use);
}

}  // namespace

Forget::Forget(const std::string& prefix, base::Files& files, Segments::Tell tell)
    : files_(files), prefix_(prefix), segments_(prefix, std::move(tell)), journal_(prefix, files) {
  settle();
}

// A batch that a killed server was writing is recognised by its bytes, which are about to change.
void Forget::settle() {
  if (!journal_.is_pending()) return;
  const bool is_alone = journal_.pending().ring_epoch != 0;
  SegmentWriter segment(prefix_, files_,
                        is_alone ? SegmentWriter::Writers::alone : SegmentWriter::Writers::shared);
  segment.settle(journal_.pending(), journal_.written()) ? journal_.commit() : journal_.take_back();
}

Forget::Done Forget::run(const record::Visitors& visitors, UnixNanos now) {
  // First: what a kill leaves undone here, the next start of a server knows of at least.
  Forgotten(prefix_, files_).add(visitors, now);
  Done done;
  std::string damage;
  for (const auto& path : segments_.list(files_)) {
    try {
      const auto lines = erase_in(path, visitors);
      done.lines += lines;
      done.files += lines > 0;
    } catch (const DamageError& error) {
      damage = error.what();
    }
  }
  if (!damage.empty()) throw DamageError(damage + "; it may still have what was to be forgotten");
  return done;
}

std::uint64_t Forget::erase_in(const std::string& path, const record::Visitors& visitors) {
  std::uint64_t lines = 0;
  ArchiveFiles archive([](const std::string&) {});
  const auto is_of_log = [&](const std::string& stored) {
    const auto fd =
        stored_path(stored) == stored ? segments_.open(archive, stored) : base::UniqueFd();
    return fd && segments_.look(archive, fd.get(), stored) != Segments::Holds::others;
  };
  // Others may be appending to it, so it must stay the file that it is.
  if (is_of_log(path)) lines += erase_in_place(path, visitors);
  for (const auto& compression : kCompressed) {
    const auto stored = path + std::string(compression.suffix);
    if (is_of_log(stored)) lines += rewrite(stored, compression.format, visitors);
  }
  return lines;
}

std::uint64_t Forget::erase_in_place(const std::string& path, const record::Visitors& visitors) {
  const auto fd = files_.open_update(path);
  std::uint64_t lines = 0;
  std::uint64_t position = 0;
  const auto read = [&](std::span<char> into) {
    const auto got = files_.read_at(fd.get(), into, position, path);
    position += got;
    return got;
  };
  for_each_piece(read, [&](std::string piece, std::uint64_t offset) {
    const auto erased = erase_lines(piece, visitors);
    const auto write = [&](std::size_t from, std::size_t most) {
      for (const auto& line : erased) {
        const auto start = line.start + std::min(from, line.size);
        const auto size = std::min(most, line.size - std::min(from, line.size));
        files_.write_at(fd.get(), std::string_view(piece).substr(start, size), offset + start,
                        path);
      }
      if (!erased.empty()) files_.sync(fd.get(), path);
    };
    write(0, record::kErasedHeadBytes);
    write(record::kErasedHeadBytes, piece.npos);
    lines += erased.size();
  });
  return lines;
}

// Nobody appends to a compressed file, so another may take its place. It is looked through first,
// for most files have nothing to erase.
std::uint64_t Forget::rewrite(const std::string& stored, Inflater::Format format,
                              const record::Visitors& visitors) {
  std::uint64_t lines = 0;
  for_each_piece_of(files_, stored, format, [&](std::string piece, std::uint64_t) {
    lines += erase_lines(piece, visitors).size();
  });
  if (lines == 0) return 0;
  base::Replacement replacement(files_, stored);
  Deflater deflater(format, files_, replacement.fd(), replacement.path());
  for_each_piece_of(files_, stored, format, [&](std::string piece, std::uint64_t) {
    erase_lines(piece, visitors);
    deflater.write(piece);
  });
  deflater.finish();
  replacement.commit();
  return lines;
}

}  // namespace manhattan::log
