// SPDX-License-Identifier: MIT
#include "base/huge_pages.h"

#include <new>
#include <utility>

namespace manhattan::base {

HugePages::~HugePages() {
  for (auto* page : pages_) HugeAllocator<char>().deallocate(page, kHugePageBytes);
}

void* HugePages::do_allocate(std::size_t bytes, std::size_t alignment) {
  used_bytes_ += bytes;
  if (bytes > kMostBytes) return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  const auto steps = (bytes + kStep - 1) / kStep;
  if (auto*& first = free_[steps]) return std::exchange(first, first->next);
  if (rest_steps_ < steps) add_page();
  rest_steps_ -= steps;
  return std::exchange(rest_, rest_ + steps * kStep);
}

void HugePages::do_deallocate(void* data, std::size_t bytes, std::size_t alignment) {
  used_bytes_ -= bytes;
  if (bytes > kMostBytes)
    return std::pmr::new_delete_resource()->deallocate(data, bytes, alignment);
  put_back(data, (bytes + kStep - 1) / kStep);
}

void HugePages::add_page() {
  pages_.reserve(pages_.size() + 1);
  auto* const page = HugeAllocator<char>().allocate(kHugePageBytes);
  pages_.push_back(page);
  if (rest_steps_ > 0) put_back(rest_, rest_steps_);
  rest_ = page;
  rest_steps_ = kHugePageBytes / kStep;
}

void HugePages::put_back(void* data, std::size_t steps) noexcept {
  free_[steps] = new (data) Free{free_[steps]};
}

}  // namespace manhattan::base
