// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::backend {

/// The visitor of a line as it stands there, escapes and all.
std::string_view raw_visitor(std::string_view line) noexcept;

/// Tells which shard of a backend a line falls to: all of a visitor's lines to the same.
///
/// Threads: one.
class Divider {
 public:
  using Lines = std::vector<std::string_view>;

  explicit Divider(std::size_t shards) : shards_(shards) {}

  /// Makes `by_shard` the lines of `text` by shard, in order, without their newlines.
  void divide(std::string_view text, std::vector<Lines>& by_shard);

 private:
  std::size_t shard_of(std::string_view line);

  const std::size_t shards_;
  std::string unescaped_, id_;
};

}  // namespace manhattan::backend
