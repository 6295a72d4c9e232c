// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "count/blob.h"
#include "count/delta.h"

namespace manhattan::count {

/// A split's population that the visitor was shown.
struct Variant {
  NameId split = 0;
  NameId population = 0;

  friend auto operator<=>(const Variant&, const Variant&) = default;
};

/// What one byte of marks stands for: a goal on a site, or (goal 0) the impressions there. Bit 0
/// is the goal itself, bits 1 to 7 the visitor's variants 7 x block to 7 x block + 6.
struct Row {
  static constexpr std::size_t kVariants = 7;

  NameId goal = 0;
  std::int32_t site = 0;
  std::uint32_t block = 0;

  friend bool operator==(const Row&, const Row&) = default;
};

/// How far the visitor is with one complex goal.
struct ComplexProgress {
  NameId goal = 0;
  /// Never counted from now on: an exclude came first, or it was counted and taken back.
  bool is_closed = false;
  /// Where it is counted, to be taken back from there; no buckets: it is not.
  std::int32_t site = 0;
  std::uint32_t variants = 0;  ///< the first so many of the visitor's
  std::vector<Bucket> buckets;
};

/// The sum of a goal's values on a site, since the visitor met a variant.
struct Total {
  std::uint32_t row = 0;
  std::uint8_t bit = 0;
  Decimal sum;
};

/// All that is remembered of one visitor, unpacked to count a record and packed again.
///
/// Packed it is the blob of manhattan-store(5), in memory as in the store: small and in one piece.
/// The bucket met last of each rollup lies open; the others are closed into an archive, which is
/// searched only for a bucket that may be in it. An object is meant to be used again and again, for
/// one visitor after the other: then unpacking allocates nothing.
class History {
 public:
  static constexpr std::size_t kMostWaiting = 500;

  bool is_human = false;
  bool is_robot = false;
  /// Largest timestamp, in whole seconds, at which a bucket was opened.
  std::int64_t last_s = INT64_MIN;
  /// A bucket that lies open was opened by an older record: newer ones may be closed.
  bool is_behind = false;
  std::vector<std::string> waiting;  ///< lines, until the first pixel; oldest first
  std::vector<Variant> variants;     ///< in order of the first impression
  std::vector<ComplexProgress> complex_goals;
  std::vector<Total> totals;
  std::vector<Bucket> traits;  ///< buckets of rollups that a page of the visitor decided

  /// Unpacks `blob`; an empty one is a new visitor. DamageError where it is no history.
  void unpack(std::string_view blob);
  void pack(std::string& blob) const;
  /// Whether a packed history is of a human, without unpacking it.
  static bool is_human_in(std::string_view blob) noexcept;

  /// The number of a row, a new one where it has none yet.
  std::uint32_t row_of(const Row& row);
  const std::vector<Row>& rows() const noexcept { return rows_; }
  /// The visitor reached the goal, on any site.
  bool has_reached(NameId goal) const noexcept;

  enum class Age {
    open_or_new,  ///< can't have been closed already: buckets of time come in order
    any,
  };
  /// The place of a bucket that lies open.
  std::optional<std::size_t> place_of(const Bucket& bucket) const noexcept;
  /// Opens a bucket that does not, closing the one of the same rollup; returns its place.
  std::size_t open(const Bucket& bucket, Age age);
  /// The marks of a row in an open bucket, to be read and added to.
  std::uint8_t& marks(std::uint32_t row, std::size_t place) {
    return marks_[row * open_.size() + place];
  }

 private:
  void read_open(BlobReader& in);
  void read_marks(BlobReader& in, std::size_t place);
  void write_marks(std::size_t place, BlobWriter& out) const;
  void add_place(const Bucket& bucket);
  void close(std::size_t place);
  void take_from_archive(const Bucket& bucket, std::size_t place);

  std::vector<Row> rows_;
  std::vector<Bucket> open_;         // one a rollup
  std::vector<std::uint8_t> marks_;  // a byte for each row and open bucket, row by row
  std::string archive_;              // closed buckets and their marks, packed
};

}  // namespace manhattan::count
