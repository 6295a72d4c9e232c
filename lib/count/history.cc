// SPDX-License-Identifier: MIT
#include "count/history.h"

#include <algorithm>

namespace manhattan::count {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kHuman = 1;
constexpr std::uint8_t kRobot = 2;
constexpr std::uint8_t kBehind = 4;
constexpr std::uint8_t kMostBit = 7;

Bucket read_bucket(BlobReader& in) {
  const auto rollup = in.small();
  return {rollup, in.small()};
}

void write_bucket(const Bucket& bucket, BlobWriter& out) {
  out.number(bucket.rollup);
  out.number(bucket.bucket);
}

template <class List, class Read>
void read_list(List& list, BlobReader& in, Read read) {
  list.clear();
  for (auto left = in.size(); left > 0; --left) list.push_back(read());
}

template <class List, class Write>
void write_list(const List& list, BlobWriter& out, Write write) {
  out.number(list.size());
  for (const auto& each : list) write(each);
}

Row read_row(BlobReader& in) {
  Row row;
  row.goal = in.small();
  row.site = in.site();
  row.block = in.small();
  return row;
}

ComplexProgress read_complex(BlobReader& in) {
  ComplexProgress progress;
  progress.goal = in.small();
  progress.is_closed = in.byte() != 0;
  progress.site = in.site();
  progress.variants = in.small();
  read_list(progress.buckets, in, [&] { return read_bucket(in); });
  return progress;
}

void write_complex(const ComplexProgress& progress, BlobWriter& out) {
  out.number(progress.goal);
  out.byte(progress.is_closed ? 1 : 0);
  out.number(static_cast<std::uint32_t>(progress.site));
  out.number(progress.variants);
  write_list(progress.buckets, out, [&](const Bucket& bucket) { write_bucket(bucket, out); });
}

}  // namespace

void History::unpack(std::string_view blob) {
  is_human = is_robot = is_behind = false;
  last_s = INT64_MIN;
  waiting.clear();
  variants.clear();
  complex_goals.clear();
  totals.clear();
  traits.clear();
  rows_.clear();
  open_.clear();
  marks_.clear();
  archive_.clear();
  if (blob.empty()) return;
  BlobReader in(blob);
  if (in.byte() != kVersion) throw DamageError("a visitor's history is of another version");
  const auto flags = in.byte();
  is_human = (flags & kHuman) != 0;
  is_robot = (flags & kRobot) != 0;
  is_behind = (flags & kBehind) != 0;
  last_s = static_cast<std::int64_t>(in.signed_number());
  read_list(waiting, in, [&] { return std::string(in.text()); });
  read_list(variants, in, [&] {
    const auto split = in.small();
    return Variant{split, in.small()};
  });
  read_list(rows_, in, [&] { return read_row(in); });
  read_open(in);
  read_list(complex_goals, in, [&] { return read_complex(in); });
  for (const auto& progress : complex_goals) in.require(progress.variants <= variants.size());
  read_list(totals, in, [&] {
    Total total{in.small(), in.byte(), Decimal::from_units(in.signed_number())};
    in.require(total.row < rows_.size() && total.bit <= kMostBit);
    return total;
  });
  read_list(traits, in, [&] { return read_bucket(in); });
  archive_ = in.text();
  in.require(in.is_at_end());
}

void History::pack(std::string& blob) const {
  blob.clear();
  BlobWriter out(blob);
  out.byte(kVersion);
  out.byte(static_cast<std::uint8_t>((is_human ? kHuman : 0) | (is_robot ? kRobot : 0) |
                                     (is_behind ? kBehind : 0)));
  out.signed_number(last_s);
  write_list(waiting, out, [&](const std::string& line) { out.text(line); });
  write_list(variants, out, [&](const Variant& variant) {
    out.number(variant.split);
    out.number(variant.population);
  });
  write_list(rows_, out, [&](const Row& row) {
    out.number(row.goal);
    out.number(static_cast<std::uint32_t>(row.site));
    out.number(row.block);
  });
  out.number(open_.size());
  for (std::size_t place = 0; place < open_.size(); ++place) {
    write_bucket(open_[place], out);
    write_marks(place, out);
  }
  write_list(complex_goals, out, [&](const auto& progress) { write_complex(progress, out); });
  write_list(totals, out, [&](const Total& total) {
    out.number(total.row);
    out.byte(total.bit);
    out.signed_number(total.sum.units());
  });
  write_list(traits, out, [&](const Bucket& trait) { write_bucket(trait, out); });
  out.text(archive_);
}

bool History::is_human_in(std::string_view blob) noexcept {
  return blob.size() > 1 && (static_cast<std::uint8_t>(blob[1]) & kHuman) != 0;
}

void History::read_open(BlobReader& in) {
  const auto places = in.size();
  open_.resize(places);
  marks_.assign(rows_.size() * places, 0);
  for (std::size_t place = 0; place < places; ++place) {
    open_[place] = read_bucket(in);
    read_marks(in, place);
  }
}

void History::read_marks(BlobReader& in, std::size_t place) {
  for (auto left = in.size(); left > 0; --left) {
    const auto row = in.small();
    in.require(row < rows_.size());
    marks(row, place) = in.byte();
  }
}

void History::write_marks(std::size_t place, BlobWriter& out) const {
  const auto marks = [&](std::size_t row) { return marks_[row * open_.size() + place]; };
  std::uint32_t marked = 0;
  for (std::size_t row = 0; row < rows_.size(); ++row) marked += marks(row) != 0 ? 1 : 0;
  out.number(marked);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (marks(row) == 0) continue;
    out.number(row);
    out.byte(marks(row));
  }
}

std::uint32_t History::row_of(const Row& row) {
  const auto known = std::find(rows_.begin(), rows_.end(), row);
  const auto number = static_cast<std::uint32_t>(known - rows_.begin());
  if (known == rows_.end()) {
    rows_.push_back(row);
    marks_.resize(rows_.size() * open_.size());
  }
  return number;
}

bool History::has_reached(NameId goal) const noexcept {
  return std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.goal == goal; });
}

std::optional<std::size_t> History::place_of(const Bucket& bucket) const noexcept {
  const auto known = std::find(open_.begin(), open_.end(), bucket);
  if (known == open_.end()) return std::nullopt;
  return static_cast<std::size_t>(known - open_.begin());
}

std::size_t History::open(const Bucket& bucket, Age age) {
  const auto known = std::find_if(open_.begin(), open_.end(),
                                  [&](const Bucket& open) { return open.rollup == bucket.rollup; });
  const auto place = static_cast<std::size_t>(known - open_.begin());
  if (known == open_.end()) {
    add_place(bucket);
  } else {
    close(place);
    open_[place] = bucket;
  }
  if (age == Age::any) take_from_archive(bucket, place);
  return place;
}

void History::close(std::size_t place) {
  BlobWriter out(archive_);
  write_bucket(open_[place], out);
  write_marks(place, out);
  for (std::uint32_t row = 0; row < rows_.size(); ++row) marks(row, place) = 0;
}

void History::add_place(const Bucket& bucket) {
  const auto before = open_.size();
  open_.push_back(bucket);
  std::vector<std::uint8_t> wider(rows_.size() * open_.size());
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    std::copy_n(marks_.begin() + static_cast<std::ptrdiff_t>(row * before), before,
                wider.begin() + static_cast<std::ptrdiff_t>(row * open_.size()));
  }
  marks_ = std::move(wider);
}

void History::take_from_archive(const Bucket& bucket, std::size_t place) {
  BlobReader in(archive_);
  while (!in.is_at_end()) {
    const auto start = archive_.size() - in.rest().size();
    const bool is_sought = read_bucket(in) == bucket;
    if (is_sought) {
      read_marks(in, place);
      archive_.erase(start, archive_.size() - in.rest().size() - start);
      return;
    }
    for (auto left = in.size(); left > 0; --left) {
      in.small();
      in.byte();
    }
  }
}

}  // namespace manhattan::count
