// SPDX-License-Identifier: MIT
// Memory for small pieces: each its own, and used again.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE huge_pages
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/growing_bytes.h"
#include "base/huge_allocator.h"
#include "base/huge_pages.h"

using manhattan::base::GrowingBytes;
using manhattan::base::HugeAllocator;
using manhattan::base::HugePages;
using manhattan::base::kHugePageBytes;

namespace {

struct Piece {
  unsigned char* data;
  std::size_t bytes;
  unsigned char filling;

  bool is_whole() const {
    return std::all_of(data, data + bytes, [this](unsigned char byte) { return byte == filling; });
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(no_piece_overlaps_another) {
  const auto seed = std::random_device{}();
  BOOST_TEST_INFO("seed " << seed);
  std::mt19937 random(seed);
  HugePages memory;
  std::vector<Piece> pieces;
  for (int i = 0; i < 20'000; ++i) {
    if (!pieces.empty() && random() % 3 == 0) {
      std::swap(pieces[random() % pieces.size()], pieces.back());
      BOOST_REQUIRE(pieces.back().is_whole());
      memory.deallocate(pieces.back().data, pieces.back().bytes);
      pieces.pop_back();
      continue;
    }
    const auto bytes = 1 + random() % (random() % 50 == 0 ? 100'000 : 2'000);
    auto* const data = static_cast<unsigned char*>(memory.allocate(bytes));
    pieces.push_back({data, bytes, static_cast<unsigned char>(random())});
    std::memset(data, pieces.back().filling, bytes);
  }
  for (const auto& piece : pieces) {
    BOOST_REQUIRE(piece.is_whole());
    memory.deallocate(piece.data, piece.bytes);
  }
}

BOOST_AUTO_TEST_CASE(what_is_given_back_is_used_again_for_its_size) {
  HugePages memory;
  auto* const first = memory.allocate(130);
  auto* const second = memory.allocate(130);
  memory.deallocate(first, 130);
  BOOST_TEST(memory.allocate(64) != first);
  BOOST_TEST(memory.allocate(192) == first);  // the same three steps of 64
  memory.deallocate(second, 130);
}

BOOST_AUTO_TEST_CASE(pieces_begin_where_the_processor_fetches) {
  HugePages memory;
  for (const std::size_t bytes : {1, 63, 64, 65, 1'000}) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.allocate(bytes));
    BOOST_TEST(address % HugePages::kStep == 0u);
  }
}

BOOST_AUTO_TEST_CASE(bytes_are_kept_while_they_grow) {
  HugePages memory;
  GrowingBytes bytes(&memory);
  std::string expected;
  while (expected.size() < 200'000) {
    const auto used = expected.size();
    expected += static_cast<char>('a' + used % 26);
    if (bytes.capacity() < expected.size()) bytes.grow(expected.size(), used);
    bytes.data()[used] = expected.back();
    if (expected.size() < 1'000 || expected.size() % 10'000 == 0)
      BOOST_REQUIRE(std::string_view(bytes.data(), expected.size()) == expected);
  }
  auto other = std::move(bytes);
  BOOST_TEST(std::string_view(other.data(), expected.size()) == expected);
  BOOST_TEST(bytes.capacity() == 0u);
}

BOOST_AUTO_TEST_CASE(a_vector_that_grows_onto_huge_pages_keeps_what_it_has) {
  std::vector<std::uint32_t, HugeAllocator<std::uint32_t>> numbers;
  for (std::uint32_t i = 0; i < 1'500'000; ++i) numbers.push_back(i);
  for (std::uint32_t i = 0; i < numbers.size(); ++i) BOOST_REQUIRE(numbers[i] == i);
  BOOST_TEST(reinterpret_cast<std::uintptr_t>(numbers.data()) % kHugePageBytes == 0u);
}

BOOST_AUTO_TEST_CASE(what_one_has_given_another_does_not_take_back) {
  const HugePages one, other;
  BOOST_TEST(one.is_equal(one));
  BOOST_TEST(!one.is_equal(other));
}
