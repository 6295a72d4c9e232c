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
      : first_(std::move(other.first_)),
        others_(std::move(other.others_)),
        free_(std::exchange(other.free_, nullptr)),
        free_bytes_(std::exchange(other.free_bytes_, 0)) {}
  Arena& operator=(Arena&& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(others_, other.others_);
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
    free_bytes_ = std::max(size, first_ ? kChunkBytes : kFirstBytes);
    auto& chunk = first_ ? others_.emplace_back() : first_;
    chunk = std::make_unique_for_overwrite<char[]>(free_bytes_);
    free_ = chunk.get();
  }

  static constexpr std::size_t kFirstBytes = 1000;  // malloc(3) has these at hand
  static constexpr std::size_t kChunkBytes = 8192;

  std::unique_ptr<char[]> first_;  // and mostly the only one
  std::vector<std::unique_ptr<char[]>> others_;
  char* free_ = nullptr;
  std::size_t free_bytes_ = 0;
};

}  // namespace manhattan::http
