// SPDX-License-Identifier: MIT
#include "backend/visitor_key.h"

#include <absl/hash/hash.h>

#include <bit>
#include <cstring>

#include "base/text_map.h"

namespace manhattan::backend {
namespace {

/// Eight digits at once; false where one is none.
bool pack_word(const char* digits, std::uint32_t& word) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::uint64_t text = 0;
  std::memcpy(&text, digits, sizeof text);
  if constexpr (std::endian::native == std::endian::little) text = __builtin_bswap64(text);
  // Letters have the bit 0x40, and stand nine behind their last four bits.
  auto values = (text & 0x0f * kEach) + 9 * (text >> 6 & kEach);
  const auto is_letter = (values + 6 * kEach) >> 4 & kEach;
  const auto written = values + '0' * kEach + ('a' - '9' - 1) * is_letter;
  if (written != text || (values & 0xf0 * kEach) != 0) return false;
  values = (values | values >> 4) & 0x00ff00ff00ff00ff;
  values = (values | values >> 8) & 0x0000ffff0000ffff;
  word = static_cast<std::uint32_t>(values | values >> 16);
  return true;
}

}  // namespace

VisitorKey::VisitorKey(std::string_view id) noexcept {
  if (pack(id)) return;
  const auto* const text = id.data();
  std::memcpy(words_.data(), &text, sizeof text);
  size_ = static_cast<std::uint32_t>(id.size());
}

bool VisitorKey::pack(std::string_view id) noexcept {
  if (id.size() != words_.size() * kDigitsInWord) return false;
  bool is_hexadecimal = true;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    is_hexadecimal &= pack_word(id.data() + i * kDigitsInWord, words_[i]);
  }
  return is_hexadecimal;
}

std::string_view VisitorKey::view() const noexcept {
  const char* text = nullptr;
  std::memcpy(&text, words_.data(), sizeof text);
  return {text, size_};
}

void VisitorKey::append_to(std::string& text) const {
  if (is_view()) {
    text += view();
    return;
  }
  for (const auto word : words_) {
    for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 0xf];
  }
}

std::size_t VisitorKey::hash() const noexcept {
  if (is_view()) return base::TextHash{}(view());
  const auto pair = [this](std::size_t i) {
    return std::uint64_t{words_[i]} << 32 | words_[i + 1];
  };
  return absl::HashOf(pair(0), pair(2), words_[4]);
}

bool operator<(const VisitorKey& a, const VisitorKey& b) {
  if (!a.is_view() && !b.is_view()) return a.words_ < b.words_;
  std::string text_a, text_b;
  a.append_to(text_a);
  b.append_to(text_b);
  return text_a < text_b;
}

}  // namespace manhattan::backend
