// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <vector>

#include "base/huge_allocator.h"

namespace manhattan::base {

/// Memory for many small pieces, on huge pages: who jumps about in a hundred megabytes of them else
/// waits at each jump for the processor to find out where a page lies.
///
/// What is given back is used again for pieces of the same size, to 64 bytes; all goes at once in
/// the end. The standard library's pools took a third more memory for the histories of visitors.
///
/// Threads: one.
/// Errors:  std::bad_alloc.
class HugePages final : public std::pmr::memory_resource {
 public:
  HugePages() = default;
  ~HugePages() override;
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;

  static constexpr std::size_t kStep = 64;  ///< of sizes, and the most that is aligned

  /// Of pieces that were not given back.
  std::size_t used_bytes() const noexcept { return used_bytes_; }

 private:
  static constexpr std::size_t kMostBytes = 1 << 16;  // what is larger is the heap's

  struct Free {
    Free* next;
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* data, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  void add_page();
  void put_back(void* data, std::size_t steps) noexcept;

  std::vector<char*> pages_;
  char* rest_ = nullptr;  // of the last page
  std::size_t rest_steps_ = 0;
  std::size_t used_bytes_ = 0;
  std::array<Free*, kMostBytes / kStep + 1> free_{};  // by size
};

}  // namespace manhattan::base
