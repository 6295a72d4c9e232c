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
#include "count/history_parts.h"
#include "count/waiting_lines.h"

namespace manhattan::count {

/// All that is remembered of one visitor.
///
/// What every record touches lies in one piece of memory and is changed in place, for the next
/// record is of any other visitor; what few visitors have lies apart. Packed it is the blob of
/// manhattan-store(5). The bucket met last of each rollup lies open; the others are closed into an
/// archive, which is searched only for a bucket that may be in it.
///
/// Owns:    its memory; spans are valid until the next change.
/// Threads: one.
class History {
 public:
  static constexpr std::size_t kMostWaiting = 500;

  explicit History(std::pmr::memory_resource* memory = std::pmr::get_default_resource()) noexcept
      : memory_(memory) {}

  bool is_human = false;
  bool is_robot = false;
  bool has_changed = false;  ///< since it was packed or unpacked last
  /// A bucket that lies open was opened by an older record: newer ones may be closed.
  bool is_behind = false;
  /// Largest timestamp, in whole seconds, at which a bucket was opened.
  std::int64_t last_s = INT64_MIN;

  /// What few visitors have.
  struct Rare {
    std::vector<ComplexProgress> complex_goals;
    std::vector<Total> totals;
  };
  /// To be changed: made where there is none.
  Rare& rare();
  const Rare& rare() const noexcept;
  std::pmr::memory_resource* memory() const noexcept { return memory_.memory(); }
  /// As a new visitor's.
  void clear() { *this = History(memory()); }

  /// How many lines wait for the visitor's first pixel.
  std::uint32_t waiting() const noexcept { return waiting_; }
  /// The newest kMostWaiting are kept: false where the oldest had to go for this one.
  bool add_waiting(std::string_view line);
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
  /// Some rows are of different sites.
  bool has_several_sites() const noexcept { return has_several_sites_; }
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
  std::string_view archive() const noexcept { return {at<char>(archive_offset()), archive_bytes_}; }
  std::string_view waiting_lines() const noexcept { return archive().substr(lines_from_); }

  void reserve(std::size_t bytes);
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
  void read_open(BlobReader& in);
  void read_marks(BlobReader& in, std::size_t place);
  void write_marks(std::size_t place, BlobWriter& out) const;

  bool has_several_sites_ = false;
  std::uint32_t variants_ = 0;
  std::uint32_t rows_ = 0;
  std::uint32_t places_ = 0;
  std::uint32_t traits_ = 0;
  std::uint32_t archive_bytes_ = 0;
  std::uint32_t waiting_ = 0;
  std::uint32_t lines_from_ = 0;  // in the archive: behind templates and what was dropped
  base::GrowingBytes memory_;
  std::unique_ptr<Rare> rare_;
};

}  // namespace manhattan::count
