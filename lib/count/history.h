// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/growing_bytes.h"
#include "count/delta.h"
#include "count/history_index.h"
#include "count/history_parts.h"
#include "count/waiting_lines.h"

namespace manhattan::count {

/// All that is remembered of one visitor.
///
/// What every record touches lies in one piece of memory and is changed in place, for the next
/// record is of any other visitor; what few visitors have lies apart. Packed it is the blob of
/// manhattan-store(5). The bucket met last of each rollup lies open; the others are closed into an
/// archive, which is searched only for a bucket that may be in it. A long history has an index, so
/// that a record costs the same whatever the visitor did before.
///
/// Owns:    its memory; spans are valid until the next change.
/// Threads: one.
class History {
 public:
  static constexpr std::size_t kMostWaiting = 500;

  explicit History(std::pmr::memory_resource* memory = std::pmr::get_default_resource()) noexcept
      : memory_(memory) {}

  /// Largest timestamp, in whole seconds, at which a bucket was opened.
  std::int64_t last_s = INT64_MIN;
  bool is_human = false;
  bool is_robot = false;
  bool has_changed = false;  ///< since it was packed or unpacked last
  /// A bucket that lies open was opened by an older record: newer ones may be closed.
  bool is_behind = false;

  /// What few visitors have.
  struct Rare {
    std::vector<ComplexProgress> complex_goals;
    std::vector<Total> totals;
    HistoryIndex index;  ///< not packed
  };
  /// To be changed: made where there is none.
  Rare& rare();
  const Rare& rare() const noexcept;
  std::pmr::memory_resource* memory() const noexcept { return memory_.memory(); }
  /// Of memory that it takes, but for what few visitors have.
  std::size_t bytes() const noexcept { return memory_.capacity(); }
  /// As a new visitor's.
  void clear() { *this = History(memory()); }

  /// How many lines wait for the visitor's first pixel.
  std::uint32_t waiting() const noexcept { return waiting_; }
  /// The newest kMostWaiting are kept, and no more than take `most_bytes` as they are packed.
  /// Returns how many had to go for that; `line` itself is one where it alone takes more.
  std::uint32_t add_waiting(std::string_view line, std::size_t most_bytes = SIZE_MAX);
  /// Moves them into `lines`, oldest first, each with a newline.
  void take_waiting(std::string& lines);

  /// Unpacks `blob`; an empty one is a new visitor. DamageError where it is no history.
  void unpack(std::string_view blob);
  void pack(std::string& blob) const;

  /// In order of the first impression.
  std::span<const Variant> variants() const noexcept {
    return {at<Variant>(variants_offset()), variants_};
  }
  void add_variant(const Variant& variant);
  /// Buckets of rollups that a page of the visitor decided.
  std::span<const Bucket> traits() const noexcept { return {at<Bucket>(traits_offset()), traits_}; }
  void set_trait(const Bucket& trait);

  /// The number of a row, a new one where it has none yet.
  std::uint32_t row_of(const Row& row);
  std::span<const Row> rows() const noexcept { return {at<Row>(rows_offset()), rows_}; }
  bool has_row(const Row& row) { return find_row(row) != kNoRow; }
  /// How many goals were reached, each on a site; impressions are one a site and block.
  std::uint32_t goals() const noexcept { return goals_; }
  /// The visitor reached the goal, on any site.
  bool has_reached(NameId goal);
  /// The marks of a row's goal and block on the visitor's other sites.
  std::uint8_t marks_elsewhere(std::uint32_t row, std::size_t place);

  /// Adds to the sum of a row's bit.
  struct Sums {
    Decimal before, after;
    Decimal elsewhere;  ///< of the same goal and variant on the visitor's other sites
  };
  Sums add_value(std::uint32_t row, std::uint8_t bit, const Decimal& value);

  enum class Age {
    open_or_new,  ///< can't have been closed already: buckets of time come in order
    any,
  };
  /// The place of a bucket that lies open.
  std::optional<std::size_t> place_of(const Bucket& bucket) const noexcept;
  static constexpr std::uint32_t kUnbounded = UINT32_MAX;
  /// Whether the bucket was met before, or there is room for it: at most so many a rollup. Beyond
  /// kMostMarks only those that lie open have any.
  bool has_room_for(const Bucket& bucket, std::uint32_t most_buckets) {
    return !is_full(bucket.rollup, most_buckets) || is_known(bucket);
  }
  /// Whether there is no room for one that was not met before.
  bool is_full(NameId rollup, std::uint32_t most_buckets) {
    const bool may_be = closed_ + 1 >= most_buckets || closed_marks_ >= kMostMarks;
    return may_be && most_buckets != kUnbounded && has_as_many(rollup, most_buckets);
  }
  /// Of closed buckets. Packed they take less than what a database takes in a statement.
  static constexpr std::uint32_t kMostMarks = 250'000;
  /// Opens a bucket that does not, closing the one of the same rollup; returns its place.
  std::size_t open(const Bucket& bucket, Age age);
  /// The marks of a row in an open bucket.
  std::uint8_t marks(std::uint32_t row, std::size_t place) const noexcept {
    return *at<std::uint8_t>(marks_offset() + place * rows_ + row);
  }
  void mark(std::uint32_t row, std::size_t place, std::uint8_t added) noexcept;

  /// Fetches what a record is about to read into the processor's cache.
  void prefetch() const noexcept;

 private:
  // Its memory in order, what every record reads first: open buckets, variants, rows, traits, marks
  // (a byte for each row, place by place), archive (closed buckets and their marks, packed; before
  // any bucket was opened WaitingLines).
  std::size_t variants_offset() const noexcept { return places_ * sizeof(Bucket); }
  std::size_t rows_offset() const noexcept {
    return variants_offset() + variants_ * sizeof(Variant);
  }
  std::size_t traits_offset() const noexcept { return rows_offset() + rows_ * sizeof(Row); }
  std::size_t marks_offset() const noexcept { return traits_offset() + traits_ * sizeof(Bucket); }
  std::size_t archive_offset() const noexcept {
    return marks_offset() + std::size_t{rows_} * places_;
  }
  template <class Part>
  Part* at(std::size_t offset) const noexcept {
    return reinterpret_cast<Part*>(memory_.data() + offset);
  }
  std::span<Bucket> open_buckets() const noexcept { return {at<Bucket>(0), places_}; }
  std::span<std::uint8_t> marks_of(std::size_t place) const noexcept {
    return {at<std::uint8_t>(marks_offset() + place * rows_), rows_};
  }
  std::string_view archive() const noexcept { return {at<char>(archive_offset()), archive_bytes_}; }
  std::string_view waiting_lines() const noexcept { return archive().substr(lines_from_); }

  void reserve(std::size_t bytes);
  std::size_t waiting_bytes_with(std::string_view line, const base::TabFields& fields) const;
  ShortLine shorten(std::string_view line, const base::TabFields& fields);
  void add_template(std::string_view line, std::uint32_t end);
  void drop_oldest();
  void read_waiting(BlobReader& in, std::uint8_t version);
  void write_waiting(BlobWriter& out) const;
  template <class Part>
  void insert(std::size_t offset, const Part& part, std::uint32_t& count);
  void add_row(const Row& row);
  std::size_t add_place(const Bucket& bucket);
  void close(std::size_t place);
  void take_from_archive(const Bucket& bucket, std::size_t place);
  bool is_known(const Bucket& bucket);
  bool has_as_many(NameId rollup, std::uint32_t most_buckets);
  /// Where a closed bucket starts in the archive.
  std::optional<std::uint32_t> find_closed(const Bucket& bucket);
  template <class Visit>
  void for_each_closed(Visit visit) const;
  ArchiveIndex* archive_index();
  void compact_archive();
  void write_archive(BlobWriter& out) const;
  void read_open(BlobReader& in);
  std::uint32_t read_marks(BlobReader& in, std::size_t place);
  void write_marks(std::size_t place, BlobWriter& out) const;

  static constexpr std::uint32_t kNoRow = RowIndex::kNone;
  std::uint32_t find_row(const Row& row);
  RowIndex* row_index();
  /// Calls `visit` with each row of the same goal and block on another site.
  template <class Visit>
  void for_each_elsewhere(std::uint32_t row, Visit visit);
  std::uint32_t find_total(std::uint32_t row, std::uint8_t bit);
  HistoryIndex& index();

  bool has_several_sites_ = false;
  // Small ones are short, for all that a visitor's record touches first lies in two cache lines.
  std::uint16_t goals_ = 0;  // or more
  std::uint16_t places_ = 0;
  std::uint16_t waiting_ = 0;
  std::uint32_t closed_ = 0;        // buckets in the archive
  std::uint32_t closed_marks_ = 0;  // of those
  std::uint32_t variants_ = 0;
  std::uint32_t rows_ = 0;
  std::uint32_t traits_ = 0;
  std::uint32_t archive_bytes_ = 0;
  std::uint32_t lines_from_ = 0;  // in the archive: behind templates and what was dropped
  base::GrowingBytes memory_;
  std::unique_ptr<Rare> rare_;
};

}  // namespace manhattan::count
