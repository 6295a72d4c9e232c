// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE visitor_key
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "backend/visitor_key.h"

using manhattan::backend::VisitorKey;

namespace {

std::string text_of(const VisitorKey& key) {
  std::string text;
  key.append_to(text);
  return text;
}

/// Ids with forty digits, with one byte that is none in any place, and of other sizes.
std::vector<std::string> ids() {
  const std::string digits = "0123456789abcdef0123456789abcdef01234567";
  std::vector<std::string> ids{"",
                               "v1",
                               digits,
                               digits + "0",
                               digits.substr(1),
                               std::string(40, 'f'),
                               std::string(40, '0'),
                               std::string(1000, 'a')};
  for (int byte = 0; byte < 256; ++byte) {
    auto id = digits;
    id[static_cast<std::size_t>(byte * 7 % 40)] = static_cast<char>(byte);
    ids.push_back(id);
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string id;
    while (id.size() < 40) id += "0123456789abcdef"[random() % 16];
    ids.push_back(id);
  }
  std::ranges::sort(ids);
  const auto twins = std::ranges::unique(ids);
  ids.erase(twins.begin(), twins.end());
  return ids;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_key_gives_its_text_back) {
  for (const auto& id : ids()) BOOST_TEST(text_of(VisitorKey(id)) == id);
}

BOOST_AUTO_TEST_CASE(forty_lower_case_hexadecimal_digits_and_nothing_else_lie_in_the_key) {
  for (const auto& id : ids()) {
    const bool is_digits = id.size() == 40 && id.find_first_not_of("0123456789abcdef") == id.npos;
    BOOST_TEST(VisitorKey(id).is_view() == !is_digits, id);
  }
}

BOOST_AUTO_TEST_CASE(keys_are_equal_and_ordered_as_their_texts) {
  const auto sorted = ids();
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const VisitorKey key(sorted[i]);
    const auto copy = sorted[i];
    BOOST_TEST((key == VisitorKey(copy)));
    BOOST_TEST(key.hash() == VisitorKey(copy).hash());
    for (const auto j : {std::size_t{0}, i / 2, i - std::min<std::size_t>(i, 1)}) {
      if (i == j) continue;
      const VisitorKey other(sorted[j]);
      BOOST_TEST((!(key == other) && other < key && !(key < other)), sorted[i] + ' ' + sorted[j]);
    }
  }
}
