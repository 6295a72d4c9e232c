// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <memory_resource>
#include <utility>

namespace manhattan::base {

/// One piece of memory that grows, of a resource.
///
/// Owns:    the piece; the resource must outlive it.
class GrowingBytes {
 public:
  using Memory = std::pmr::memory_resource;

  explicit GrowingBytes(Memory* memory) noexcept : memory_(memory) {}
  GrowingBytes(GrowingBytes&& other) noexcept
      : memory_(other.memory_),
        data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  GrowingBytes& operator=(GrowingBytes&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~GrowingBytes() { release(); }

  char* data() const noexcept { return data_; }
  std::size_t capacity() const noexcept { return capacity_; }
  Memory* memory() const noexcept { return memory_; }

  /// Makes `bytes` the least capacity; the first `used` bytes are kept.
  void grow(std::size_t bytes, std::size_t used) {
    GrowingBytes larger(memory_);
    larger.capacity_ = (bytes + kStep - 1) / kStep * kStep;
    larger.data_ = static_cast<char*>(memory_->allocate(larger.capacity_));
    if (used > 0) std::memcpy(larger.data_, data_, used);
    *this = std::move(larger);
  }

 private:
  static constexpr std::size_t kStep = 64;

  void release() noexcept {
    if (data_ != nullptr) memory_->deallocate(data_, capacity_);
  }

  Memory* memory_;
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace manhattan::base
