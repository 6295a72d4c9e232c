// SPDX-License-Identifier: MIT
#include "backend/divider.h"

#include <algorithm>

#include "base/text_map.h"
#include "record/escape.h"
#include "record/text_codec.h"

namespace manhattan::backend {

std::string_view raw_visitor(std::string_view line) noexcept {
  constexpr std::size_t kField = 3;
  for (std::size_t i = 0; i < kField; ++i) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return {};
    line.remove_prefix(tab + 1);
  }
  return line.substr(0, line.find('\t'));
}

void Divider::divide(std::string_view text, std::vector<Lines>& by_shard) {
  by_shard.resize(shards_);
  constexpr std::size_t kLineBytes = 200;  // or so
  for (auto& lines : by_shard) {
    lines.clear();
    lines.reserve(text.size() / kLineBytes / shards_);
  }
  for (std::size_t start = 0; start < text.size();) {
    const auto newline = std::min(text.find('\n', start), text.size());
    const auto line = text.substr(start, newline - start);
    by_shard[shards_ == 1 ? 0 : shard_of(line)].push_back(line);
    start = newline + 1;
  }
}

// By the id as it is counted, however it is escaped in its line; its end tells most apart.
std::size_t Divider::shard_of(std::string_view line) {
  constexpr std::size_t kEnd = 16;
  auto visitor = raw_visitor(line);
  if (!record::is_unescaped(visitor)) {
    unescaped_.clear();
    // Where it is damaged the line is left out by whatever shard it falls to.
    static_cast<void>(record::append_unescaped(visitor, unescaped_));
    visitor = unescaped_;
  }
  const auto id = record::fit_name(visitor, id_);
  return base::TextHash{}(id.substr(id.size() - std::min(kEnd, id.size()))) % shards_;
}

}  // namespace manhattan::backend
