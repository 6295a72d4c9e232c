// SPDX-License-Identifier: MIT
#include "log/line_reader.h"

#include "base/error.h"

namespace manhattan::log {

LineReader::LineReader(base::Files& files, std::string path, std::uint64_t offset)
    : files_(files), path_(std::move(path)), fd_(files.open_read(path_)), offset_(offset) {
  if (!fd_)
    throw IoError("open", path_, std::make_error_code(std::errc::no_such_file_or_directory));
}

std::optional<Batch> LineReader::next() {
  buffer_.resize(Tailer::kChunkBytes);
  buffer_.resize(files_.read_at(fd_.get(), buffer_, offset_, path_));
  const auto newline = buffer_.rfind('\n');
  Batch batch{path_, offset_, std::string_view(buffer_).substr(0, newline + 1), 0};
  if (newline == std::string::npos) {
    batch.lines = {};
    torn_bytes_ = buffer_.size();
    if (buffer_.size() < Tailer::kChunkBytes) return std::nullopt;
    batch.skipped_bytes = buffer_.size();
  }
  offset_ += batch.lines.size() + batch.skipped_bytes;
  return batch;
}

}  // namespace manhattan::log
