// SPDX-License-Identifier: MIT
#include "count/history.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace manhattan::count {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kHuman = 1;
constexpr std::uint8_t kRobot = 2;
constexpr std::uint8_t kBehind = 4;
constexpr std::uint8_t kMostBit = 7;
constexpr std::size_t kMostOpenMarks = 1 << 24;  // far more than any visitor has: damage
// To look through so few takes no longer than to ask an index, which takes memory.
constexpr std::uint32_t kFewClosed = 64, kFewRows = 64;
constexpr std::size_t kFewTotals = 64;

Bucket read_bucket(BlobReader& in) {
  const auto rollup = in.small();
  return {rollup, in.small()};
}

void write_bucket(const Bucket& bucket, BlobWriter& out) {
  out.number(bucket.rollup);
  out.number(bucket.bucket);
}

/// Calls `read` as often as the number in front of a list says.
template <class Read>
void read_list(BlobReader& in, Read read) {
  for (auto left = in.size(); left > 0; --left) read();
}

template <class List, class Write>
void write_list(const List& list, BlobWriter& out, Write write) {
  out.number(list.size());
  for (const auto& each : list) write(each);
}

/// Passes over a list of marks; returns how many there were.
std::uint32_t skip_marks(BlobReader& in) {
  const auto marks = in.size();
  for (auto left = marks; left > 0; --left) {
    in.small();
    in.byte();
  }
  return marks;
}

std::uint64_t key_of(std::uint32_t row, std::uint8_t bit) noexcept {
  return std::uint64_t{row} << 8 | bit;
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
  read_list(in, [&] { progress.buckets.push_back(read_bucket(in)); });
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

const History::Rare& History::rare() const noexcept {
  static const Rare kNone;
  return rare_ ? *rare_ : kNone;
}

History::Rare& History::rare() {
  has_changed = true;
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

HistoryIndex& History::index() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return rare_->index;
}

void History::unpack(std::string_view blob) {
  clear();
  if (blob.empty()) return;
  BlobReader in(blob);
  const auto version = in.byte();
  if (version == 0 || version > kVersion)
    throw DamageError("a visitor's history is of another version");
  const auto flags = in.byte();
  is_human = (flags & kHuman) != 0;
  is_robot = (flags & kRobot) != 0;
  is_behind = (flags & kBehind) != 0;
  last_s = static_cast<std::int64_t>(in.signed_number());
  Rare rare;
  read_waiting(in, version);
  read_list(in, [&] {
    const auto split = in.small();
    add_variant({split, in.small()});
  });
  read_list(in, [&] { add_row(read_row(in)); });
  read_open(in);
  read_list(in, [&] {
    rare.complex_goals.push_back(read_complex(in));
    in.require(rare.complex_goals.back().variants <= variants_);
  });
  read_list(in, [&] {
    Total total{in.small(), in.byte(), Decimal::from_units(in.signed_number())};
    in.require(total.row < rows_ && total.bit <= kMostBit);
    rare.totals.push_back(total);
  });
  read_list(in, [&] { set_trait(read_bucket(in)); });
  const auto closed = in.text();
  in.require(in.is_at_end() && (waiting_ == 0 || (closed.empty() && !is_human)));
  reserve(closed.size());
  std::copy(closed.begin(), closed.end(), at<char>(archive_offset()));
  archive_bytes_ += static_cast<std::uint32_t>(closed.size());
  if (waiting_ == 0) {
    for_each_closed([this](const Bucket&, std::uint32_t, std::uint32_t marks) {
      ++closed_;
      closed_marks_ += marks;
    });
  }
  const bool has_rare = !rare.complex_goals.empty() || !rare.totals.empty();
  if (has_rare) rare_ = std::make_unique<Rare>(std::move(rare));
  has_changed = false;
}

void History::pack(std::string& blob) const {
  blob.clear();
  BlobWriter out(blob);
  out.byte(kVersion);
  out.byte(static_cast<std::uint8_t>((is_human ? kHuman : 0) | (is_robot ? kRobot : 0) |
                                     (is_behind ? kBehind : 0)));
  out.signed_number(last_s);
  write_waiting(out);
  write_list(variants(), out, [&](const Variant& variant) {
    out.number(variant.split);
    out.number(variant.population);
  });
  write_list(rows(), out, [&](const Row& row) {
    out.number(row.goal);
    out.number(static_cast<std::uint32_t>(row.site));
    out.number(row.block);
  });
  out.number(places_);
  for (std::size_t place = 0; place < places_; ++place) {
    write_bucket(open_buckets()[place], out);
    write_marks(place, out);
  }
  write_list(rare().complex_goals, out,
             [&](const auto& progress) { write_complex(progress, out); });
  write_list(rare().totals, out, [&](const Total& total) {
    out.number(total.row);
    out.byte(total.bit);
    out.signed_number(total.sum.units());
  });
  write_list(traits(), out, [&](const Bucket& trait) { write_bucket(trait, out); });
  write_archive(out);
}

void History::write_archive(BlobWriter& out) const {
  const auto& index = rare().index.archive;
  const auto dead_bytes = index ? index->dead_bytes : 0;
  if (waiting_ > 0) return out.text({});
  if (dead_bytes == 0) return out.text(archive());
  out.number(archive_bytes_ - dead_bytes);
  BlobReader in(archive());
  while (!in.is_at_end()) {
    const auto entry = in.rest();
    const auto known = index->offsets.find(read_bucket(in));
    skip_marks(in);
    const auto start = archive_bytes_ - static_cast<std::uint32_t>(entry.size());
    const bool is_alive = known != index->offsets.end() && known->second == start;
    if (is_alive) out.raw(entry.substr(0, entry.size() - in.rest().size()));
  }
}

void History::read_open(BlobReader& in) {
  read_list(in, [&] {
    in.require(std::size_t{rows_} * (places_ + 1u) <= kMostOpenMarks && places_ < UINT16_MAX);
    read_marks(in, add_place(read_bucket(in)));
  });
}

std::uint32_t History::read_marks(BlobReader& in, std::size_t place) {
  const auto marks = in.size();
  for (auto left = marks; left > 0; --left) {
    const auto row = in.small();
    in.require(row < rows_);
    mark(row, place, in.byte());
  }
  return marks;
}

void History::write_marks(std::size_t place, BlobWriter& out) const {
  const auto of_rows = marks_of(place);
  out.number(static_cast<std::size_t>(rows_) -
             static_cast<std::size_t>(std::ranges::count(of_rows, 0)));
  for (std::uint32_t row = 0; row < rows_; ++row) {
    if (of_rows[row] == 0) continue;
    out.number(row);
    out.byte(of_rows[row]);
  }
}

void History::prefetch() const noexcept {
  constexpr std::size_t kLine = 64, kMost = 4 * kLine;
  for (std::size_t i = 0; i < std::min(kMost, archive_offset()); i += kLine) {
    __builtin_prefetch(memory_.data() + i);
  }
  __builtin_prefetch(memory_.data() + archive_offset() + archive_bytes_, 1);
}

/// Makes room for so many bytes more.
void History::reserve(std::size_t bytes) {
  const auto used = archive_offset() + archive_bytes_;
  if (used + bytes <= memory_.capacity()) return;
  // Most visitors come back a few times: few moves for them, for what a move leaves behind is of
  // use only to another history of that size; and little left over for who stays.
  constexpr std::size_t kLeast = 192, kFew = 512;
  memory_.grow(std::max(kLeast, used + bytes + (used < kFew ? used : used / 4)), used);
}

/// Puts `part` where a list of `count` of its kind ends, at `offset`.
template <class Part>
void History::insert(std::size_t offset, const Part& part, std::uint32_t& count) {
  reserve(sizeof part);
  const auto end = archive_offset() + archive_bytes_;
  std::memmove(at<char>(offset + sizeof part), at<char>(offset), end - offset);
  std::memcpy(at<char>(offset), &part, sizeof part);
  ++count;
  has_changed = true;
}

void History::add_variant(const Variant& variant) { insert(rows_offset(), variant, variants_); }

void History::set_trait(const Bucket& trait) {
  for (auto& known : std::span(at<Bucket>(traits_offset()), traits_)) {
    if (known.rollup != trait.rollup) continue;
    has_changed |= known != trait;
    known = trait;
    return;
  }
  insert(marks_offset(), trait, traits_);
}

std::uint32_t History::row_of(const Row& row) {
  const auto known = find_row(row);
  if (known != kNoRow) return known;
  add_row(row);
  return rows_ - 1;
}

std::uint32_t History::find_row(const Row& row) {
  if (const auto* index = row_index()) {
    const auto known = index->numbers.find(row);
    return known == index->numbers.end() ? kNoRow : known->second;
  }
  const auto known = std::ranges::find(rows(), row);
  return known == rows().end() ? kNoRow : static_cast<std::uint32_t>(known - rows().begin());
}

RowIndex* History::row_index() {
  if (rows_ <= kFewRows) return nullptr;
  auto& index = this->index().rows;
  if (!index) {
    index.emplace();
    for (const auto& row : rows()) index->add(row);
  }
  return &*index;
}

template <class Visit>
void History::for_each_elsewhere(std::uint32_t row, Visit visit) {
  if (!has_several_sites_) return;
  const auto& sought = rows()[row];
  if (const auto* index = row_index()) {
    auto twin = index->latest.at({sought.goal, 0, sought.block});
    for (; twin != kNoRow; twin = index->before[twin]) {
      if (twin != row) visit(twin);
    }
    return;
  }
  for (std::uint32_t other = 0; other < rows_; ++other) {
    const auto& each = rows()[other];
    if (each.goal == sought.goal && each.block == sought.block && other != row) visit(other);
  }
}

std::uint8_t History::marks_elsewhere(std::uint32_t row, std::size_t place) {
  std::uint8_t marks = 0;
  for_each_elsewhere(row, [&](std::uint32_t twin) { marks |= this->marks(twin, place); });
  return marks;
}

void History::add_row(const Row& row) {
  has_several_sites_ |= rows_ > 0 && rows()[0].site != row.site;
  reserve(sizeof row + places_);
  // The marks of each place get one byte more; from the last one on, so that none is overwritten.
  const auto marks_end = archive_offset();
  std::memmove(at<char>(marks_end + places_), at<char>(marks_end), archive_bytes_);
  const auto marks = marks_offset();
  for (std::size_t place = places_; place-- > 0;) {
    std::memmove(at<char>(marks + place * (rows_ + 1)), at<char>(marks + place * rows_), rows_);
    *at<char>(marks + place * (rows_ + 1) + rows_) = 0;
  }
  const auto end = marks_end + places_ + archive_bytes_, offset = traits_offset();
  std::memmove(at<char>(offset + sizeof row), at<char>(offset), end - offset);
  std::memcpy(at<char>(offset), &row, sizeof row);
  ++rows_;
  if ((row.goal == 0 || row.block == 0) && goals_ < UINT16_MAX) ++goals_;
  if (rare_ && rare_->index.rows) rare_->index.rows->add(row);
  has_changed = true;
}

bool History::has_reached(NameId goal) {
  if (const auto* index = row_index()) return index->latest.contains({goal, 0, 0});
  return std::ranges::find(rows(), goal, &Row::goal) != rows().end();
}

History::Sums History::add_value(std::uint32_t row, std::uint8_t bit, const Decimal& value) {
  Sums sums;
  for_each_elsewhere(row, [&](std::uint32_t twin) {
    if (const auto total = find_total(twin, bit); total != kNoRow)
      sums.elsewhere += rare_->totals[total].sum;
  });
  auto known = find_total(row, bit);
  auto& rare = this->rare();
  if (known == kNoRow) {
    known = static_cast<std::uint32_t>(rare.totals.size());
    rare.totals.push_back({row, bit, {}});
    if (rare.index.totals) rare.index.totals->emplace(key_of(row, bit), known);
  }
  sums.before = rare.totals[known].sum;
  sums.after = rare.totals[known].sum += value;
  return sums;
}

/// Its place in the list of totals.
std::uint32_t History::find_total(std::uint32_t row, std::uint8_t bit) {
  if (!rare_) return kNoRow;
  auto& [goals, totals, index] = *rare_;
  if (totals.size() <= kFewTotals) {
    const auto known = std::ranges::find_if(
        totals, [&](const Total& total) { return total.row == row && total.bit == bit; });
    return known == totals.end() ? kNoRow : static_cast<std::uint32_t>(known - totals.begin());
  }
  if (!index.totals) {
    index.totals.emplace();
    for (const auto& total : totals)
      index.totals->emplace(key_of(total.row, total.bit),
                            static_cast<std::uint32_t>(index.totals->size()));
  }
  const auto known = index.totals->find(key_of(row, bit));
  return known == index.totals->end() ? kNoRow : known->second;
}

std::optional<std::size_t> History::place_of(const Bucket& bucket) const noexcept {
  const auto open = open_buckets();
  const auto known = std::ranges::find(open, bucket);
  if (known == open.end()) return std::nullopt;
  return static_cast<std::size_t>(known - open.begin());
}

std::size_t History::open(const Bucket& bucket, Age age) {
  const auto open = open_buckets();
  const auto known = std::ranges::find(open, bucket.rollup, &Bucket::rollup);
  auto place = static_cast<std::size_t>(known - open.begin());
  if (known == open.end()) {
    place = add_place(bucket);
  } else {
    close(place);
    open_buckets()[place] = bucket;
  }
  if (age == Age::any) take_from_archive(bucket, place);
  has_changed = true;
  return place;
}

void History::mark(std::uint32_t row, std::size_t place, std::uint8_t added) noexcept {
  auto& marks = *at<std::uint8_t>(marks_offset() + place * rows_ + row);
  has_changed |= (marks | added) != marks;
  marks |= added;
}

void History::close(std::size_t place) {
  const auto bucket = open_buckets()[place];
  const auto count = rows_ - static_cast<std::uint32_t>(std::ranges::count(marks_of(place), 0));
  // Two numbers for the bucket, one for how many marks there are, and for each a row and a byte.
  reserve((3 + count) * (kMostNumberBytes + 1));
  const auto marks = marks_of(place);
  auto* const start = at<char>(archive_offset() + archive_bytes_);
  auto* out = put_number(bucket.bucket, put_number(bucket.rollup, start));
  out = put_number(count, out);
  auto left = count;
  for (std::uint32_t row = 0; left > 0; ++row) {
    if (marks[row] == 0) continue;
    out = put_number(row, out);
    *out++ = static_cast<char>(std::exchange(marks[row], 0));
    --left;
  }
  if (rare_ && rare_->index.archive) rare_->index.archive->add(bucket, archive_bytes_);
  archive_bytes_ += static_cast<std::uint32_t>(out - start);
  ++closed_;
  closed_marks_ += count;
}

bool History::is_known(const Bucket& bucket) {
  if (place_of(bucket)) return true;
  // One that is closed would be given more marks still.
  return closed_marks_ < kMostMarks && find_closed(bucket);
}

bool History::has_as_many(NameId rollup, std::uint32_t most_buckets) {
  if (closed_marks_ >= kMostMarks) return true;
  std::uint32_t known =
      std::ranges::find(open_buckets(), rollup, &Bucket::rollup) == open_buckets().end() ? 0 : 1;
  if (auto* index = archive_index()) {
    known += index->of_rollup[rollup];
  } else {
    for_each_closed([&](const Bucket& closed, std::uint32_t, std::uint32_t) {
      known += closed.rollup == rollup ? 1 : 0;
    });
  }
  return known >= most_buckets;
}

/// Calls `visit` with each closed bucket, where it starts and how many marks it has.
template <class Visit>
void History::for_each_closed(Visit visit) const {
  BlobReader in(archive());
  while (!in.is_at_end()) {
    const auto start = archive_bytes_ - static_cast<std::uint32_t>(in.rest().size());
    const auto bucket = read_bucket(in);
    visit(bucket, start, skip_marks(in));
  }
}

ArchiveIndex* History::archive_index() {
  if (closed_ <= kFewClosed && (!rare_ || !rare_->index.archive)) return nullptr;
  auto& index = this->index().archive;
  if (!index) {
    index.emplace();
    for_each_closed([&](const Bucket& closed, std::uint32_t start, std::uint32_t) {
      index->add(closed, start);
    });
  }
  return &*index;
}

std::optional<std::uint32_t> History::find_closed(const Bucket& bucket) {
  if (const auto* index = archive_index()) {
    const auto known = index->offsets.find(bucket);
    return known == index->offsets.end() ? std::nullopt : std::optional(known->second);
  }
  BlobReader in(archive());
  while (!in.is_at_end()) {
    const auto start = archive_bytes_ - static_cast<std::uint32_t>(in.rest().size());
    if (read_bucket(in) == bucket) return start;
    for (auto left = in.size(); left > 0; --left) {
      in.small();
      in.byte();
    }
  }
  return std::nullopt;
}

std::size_t History::add_place(const Bucket& bucket) {
  reserve(sizeof bucket + rows_);
  const auto marks_end = archive_offset();
  std::memmove(at<char>(marks_end + rows_), at<char>(marks_end), archive_bytes_);
  std::memset(at<char>(marks_end), 0, rows_);
  const auto end = marks_end + rows_ + archive_bytes_, offset = variants_offset();
  std::memmove(at<char>(offset + sizeof bucket), at<char>(offset), end - offset);
  std::memcpy(at<char>(offset), &bucket, sizeof bucket);
  has_changed = true;
  return places_++;
}

void History::take_from_archive(const Bucket& bucket, std::size_t place) {
  const auto start = find_closed(bucket);
  if (!start) return;
  BlobReader in(archive().substr(*start));
  read_bucket(in);
  closed_marks_ -= read_marks(in, place);
  --closed_;
  const auto end = archive_bytes_ - static_cast<std::uint32_t>(in.rest().size());
  if (auto* index = archive_index()) {
    index->remove(bucket, end - *start);
    if (index->dead_bytes > archive_bytes_ / 2) compact_archive();
    return;
  }
  auto* const base = at<char>(archive_offset());
  std::memmove(base + *start, base + end, archive_bytes_ - end);
  archive_bytes_ -= end - *start;
}

/// Without the bytes of buckets that were opened again.
void History::compact_archive() {
  std::string alive;
  BlobWriter out(alive);
  write_archive(out);
  BlobReader in(alive);
  const auto bytes = in.text();
  std::memcpy(at<char>(archive_offset()), bytes.data(), bytes.size());
  archive_bytes_ = static_cast<std::uint32_t>(bytes.size());
  rare_->index.archive.reset();
}

}  // namespace manhattan::count
