// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace manhattan::http {

/// Bytes that stay where they are until all of them go: a request's many small texts cost one
/// allocation instead of one each.
///
/// Owns: what it gave out.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept
      : chunks_(std::move(other.chunks_)),
        free_(std::exchange(other.free_, nullptr)),
        free_bytes_(std::exchange(other.free_bytes_, 0)) {}
  Arena& operator=(Arena&& other) noexcept {
    std::swap(chunks_, other.chunks_);
    std::swap(free_, other.free_);
    std::swap(free_bytes_, other.free_bytes_);
    return *this;
  }

  char* take(std::size_t size) {
    if (size > free_bytes_) grow(size);
    free_bytes_ -= size;
    return std::exchange(free_, free_ + size);
  }

 private:
  void grow(std::size_t size) {
    free_bytes_ = std::max(size, chunks_.empty() ? kFirstBytes : kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(free_bytes_));
    free_ = chunks_.back().get();
  }

  static constexpr std::size_t kFirstBytes = 1000;  // malloc(3) has these at hand
  static constexpr std::size_t kChunkBytes = 8192;

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* free_ = nullptr;
  std::size_t free_bytes_ = 0;
};

}  // namespace manhattan::http
