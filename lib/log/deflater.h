// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "log/inflater.h"

namespace manhattan::log {

/// Writes what an Inflater reads: one gzip or zstd file, with a checksum in it. A zstd file says at
/// its end, in a frame that decoders skip, how much it holds: manhattan-log(5).
///
/// Owns:   the encoder's memory; descriptor and `files` must outlive it.
/// Errors: IoError.
class Deflater {
 public:
  Deflater(Inflater::Format format, base::Files& files, int fd, std::string path);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void write(std::string_view bytes);
  /// Writes what the encoder still holds back. Once, at the end.
  void finish();

 private:
  class Gzip;
  class Zstd;
  std::unique_ptr<Gzip> gzip_;  // one of the two
  std::unique_ptr<Zstd> zstd_;
};

/// What a zstd file says that it holds; nothing where it was not written by a Deflater alone.
std::optional<std::uint64_t> said_size(int fd, const std::string& path);

}  // namespace manhattan::log
