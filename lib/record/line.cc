// SPDX-License-Identifier: MIT
#include "record/line.h"

#include <charconv>

#include "record/escape.h"

namespace manhattan::record {

void Line::add_number(std::int64_t number) {
  constexpr std::size_t kMostDigits = 20;
  char* const from = room_for(kMostDigits);
  at_ = std::to_chars(from, from + kMostDigits, number).ptr;
}

void Line::add_field(std::string_view text) {
  // The original strips a line's end when it reads; a blank that belongs to a name must survive it.
  const bool ends_blank = !text.empty() && text.back() == ' ';
  char* const from = room_for(1 + text.size());
  *from = '\t';
  if (!ends_blank && copy_plain(text, from + 1)) {
    at_ = from + 1 + text.size();
    return;
  }
  std::string escaped = "\t";
  append_escaped(text.substr(0, text.size() - ends_blank), escaped);
  if (ends_blank) escaped += "\\x20";
  add(escaped);
}

void Line::grow(std::size_t bytes) {
  const auto used = text().size();
  std::vector<char> larger(2 * (used + bytes));
  std::memcpy(larger.data(), begin(), used);
  grown_ = std::move(larger);
  at_ = grown_.data() + used;
  end_ = grown_.data() + grown_.size();
}

}  // namespace manhattan::record
