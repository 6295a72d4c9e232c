// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/unique_fd.h"

namespace manhattan::log {

/// The bytes that a gzip or zstd file holds, from its beginning on. Of a damaged file all that can
/// be decoded before the damage is given, as zcat and zstdcat do.
///
/// Owns:   the descriptor and the decoder's memory.
/// Errors: DamageError where the file is damaged or ends early, once all before that was read;
///         IoError.
class Inflater {
 public:
  enum class Format { gzip, zstd };

  Inflater(Format format, base::UniqueFd fd, std::string path);
  ~Inflater();
  Inflater(Inflater&&) noexcept;
  Inflater& operator=(Inflater&&) noexcept;

  /// At least a byte, or nothing at the end. Several files one behind the other are one, and gzip
  /// files may have zeros behind them, as tapes leave them.
  std::size_t read(std::span<char> into);

 private:
  class Gzip;
  class Zstd;
  std::unique_ptr<Gzip> gzip_;  // one of the two
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace manhattan::log
