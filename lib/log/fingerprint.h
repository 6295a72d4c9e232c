// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::log {

/// What a segment begins with, as far as it was counted: the lengths and hashes of its first lines.
/// It tells the segment from another file of the same name, and stays the same where the segment is
/// compressed, copied, or has lines erased, which keep their length: manhattan-store(5).
///
/// An inode would not do for that: a compressed segment has another, and one is given out again
/// once its file is gone.
class Fingerprint {
 public:
  static constexpr std::size_t kMostLines = 8;
  static constexpr std::size_t kMostBytes = 64 * 1024;  ///< that the first lines are looked for in

  Fingerprint() = default;
  /// Of what to_text() gave; an empty one for anything else.
  static Fingerprint parse(std::string_view text);
  std::string to_text() const;

  bool is_empty() const noexcept { return lines_.empty(); }
  /// Of its lines.
  std::uint64_t bytes() const noexcept;
  /// Takes in lines that were counted and stand at `offset`, as long as they follow on its own.
  void extend(std::uint64_t offset, std::string_view lines);
  /// Whether a file that begins with `head` is the same: each of its first lines is as it was, or
  /// was erased meanwhile. One without a whole line is not.
  bool matches(std::string_view head) const;

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;

 private:
  struct Line {
    std::uint64_t bytes = 0;  ///< with its newline
    std::uint64_t hash = 0;   ///< 64-bit FNV-1a, without it
    friend bool operator==(const Line&, const Line&) = default;
  };
  std::vector<Line> lines_;
};

/// How far a segment was counted.
struct Consumed {
  std::uint64_t offset = 0;
  Fingerprint begins = {};
};
using ConsumedSegments = std::map<std::string, Consumed>;  // by path

}  // namespace manhattan::log
