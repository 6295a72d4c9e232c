// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "ring/layout.h"

namespace manhattan::ring {

/// Payloads end to end, as they go to the log in one write. Of fixed size: it never grows, however
/// many records wait.
class Batch {
 public:
  /// `limit_bytes` is where it counts as full; one more record always fits.
  explicit Batch(std::size_t limit_bytes)
      : limit_bytes_(limit_bytes), bytes_(new char[limit_bytes + kMaxPayloadBytes + 8]) {}

  bool is_full() const noexcept { return size_ >= limit_bytes_; }
  bool has_room(std::size_t bytes) const noexcept {
    return bytes <= limit_bytes_ + kMaxPayloadBytes - size_;
  }
  std::string_view bytes() const noexcept { return {bytes_.get(), size_}; }
  void clear() noexcept { size_ = 0; }

  /// Where the next payload goes; it becomes part of the batch by grow().
  char* end() noexcept { return bytes_.get() + size_; }
  void grow(std::size_t bytes) noexcept { size_ += bytes; }
  void append(std::string_view bytes) noexcept {
    std::memcpy(end(), bytes.data(), bytes.size());
    grow(bytes.size());
  }

 private:
  std::size_t limit_bytes_;
  std::size_t size_ = 0;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace manhattan::ring
