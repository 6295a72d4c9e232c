// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>

namespace manhattan::base {

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

/// The standard allocator, but that large pieces lie on huge pages: a table of megabytes is touched
/// all over, and each small page of it costs a fault, microseconds on a virtual machine.
///
/// Threads: any.
/// Errors:  std::bad_alloc.
template <class T>
struct HugeAllocator {
  using value_type = T;

  HugeAllocator() = default;
  template <class Other>
  HugeAllocator(const HugeAllocator<Other>&) noexcept {}

  T* allocate(std::size_t count) {
    const auto bytes = count * sizeof(T);
    if (bytes < kHugePageBytes) return std::allocator<T>().allocate(count);
    auto* const data = ::operator new (bytes, std::align_val_t{kHugePageBytes});
    // Where the kernel has none to give these are small pages as any. The last one may be, too.
    static_cast<void>(::madvise(data, bytes, MADV_HUGEPAGE));
    return static_cast<T*>(data);
  }
  void deallocate(T* data, std::size_t count) noexcept {
    if (count * sizeof(T) < kHugePageBytes) return std::allocator<T>().deallocate(data, count);
    ::operator delete (data, std::align_val_t{kHugePageBytes});
  }

  friend bool operator==(const HugeAllocator&, const HugeAllocator&) noexcept { return true; }
};

}  // namespace manhattan::base
