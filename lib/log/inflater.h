// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/unique_fd.h"

namespace manhattan::log {

/// The bytes that a gzip or zstd file holds, from its beginning on.
///
/// Owns:   the descriptor and the decoder's memory.
/// Errors: DamageError where the file is damaged or ends early; IoError.
class Inflater {
 public:
  enum class Format { gzip, zstd };

  Inflater(Format format, base::UniqueFd fd, std::string path);
  ~Inflater();
  Inflater(Inflater&&) noexcept;
  Inflater& operator=(Inflater&&) noexcept;

  /// Fills all of `into`, or less at the end. Several files one behind the other are one.
  std::size_t read(std::span<char> into);

 private:
  class Gzip;
  class Zstd;
  std::unique_ptr<Gzip> gzip_;  // one of the two
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace manhattan::log
