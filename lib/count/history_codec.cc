// SPDX-License-Identifier: MIT
#include <limits>

#include "base/error.h"
#include "count/history.h"

namespace manhattan::count {
namespace {

constexpr unsigned char kVersion = 1;

class BlobWriter {
 public:
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) blob_.push_back(static_cast<char>(value | 0x80));
    blob_.push_back(static_cast<char>(value));
  }
  /// kAllSites is -1: every site moves up by one.
  void site(std::int32_t site) { number(static_cast<std::uint64_t>(std::int64_t{site} + 1)); }
  void text(std::string_view text) {
    number(text.size());
    blob_.append(text);
  }
  template <class List, class Write>
  void list(const List& list, Write write) {
    number(list.size());
    for (const auto& each : list) write(each);
  }
  std::string take() { return std::move(blob_); }

 private:
  std::string blob_;
};

class BlobReader {
 public:
  explicit BlobReader(std::string_view blob) : blob_(blob) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (blob_.empty()) break;
      const auto byte = static_cast<unsigned char>(blob_.front());
      blob_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    throw DamageError("a visitor's history is damaged");
  }
  NameId name() {
    const auto value = number();
    require(value <= std::numeric_limits<NameId>::max());
    return static_cast<NameId>(value);
  }
  std::int32_t site() {
    const auto value = number();
    require(value <= std::uint64_t{std::numeric_limits<std::int32_t>::max()} + 1);
    return static_cast<std::int32_t>(static_cast<std::int64_t>(value) - 1);
  }
  std::string text() {
    const auto size = number();
    require(size <= blob_.size());
    std::string text(blob_.substr(0, size));
    blob_.remove_prefix(size);
    return text;
  }
  template <class Read>
  void list(Read read) {
    const auto size = number();
    require(size <= blob_.size());  // every element takes a byte at least
    for (std::uint64_t i = 0; i < size; ++i) read();
  }
  void end() const { require(blob_.empty()); }

 private:
  static void require(bool is_sound) {
    if (!is_sound) throw DamageError("a visitor's history is damaged");
  }
  std::string_view blob_;
};

void write_key(const CounterKey& key, BlobWriter& out) {
  for (const auto name : {key.goal, key.split, key.population, key.rollup, key.bucket}) {
    out.number(name);
  }
  out.site(key.site);
}

CounterKey read_key(BlobReader& in) {
  CounterKey key;
  for (auto* name : {&key.goal, &key.split, &key.population, &key.rollup, &key.bucket}) {
    *name = in.name();
  }
  key.site = in.site();
  return key;
}

void write_seen(const Seen& seen, BlobWriter& out) {
  out.list(seen.items(), [&](const Item& item) {
    for (const auto name : {item.goal, item.split, item.population}) out.number(name);
    out.site(item.site);
  });
  out.list(seen.marks(), [&](const Seen::Marks& marks) {
    out.number(marks.cell.rollup);
    out.number(marks.cell.bucket);
    out.list(marks.bits, [&](std::uint64_t word) { out.number(word); });
  });
}

Seen read_seen(BlobReader& in) {
  Seen seen;
  in.list([&] {
    Item item;
    for (auto* name : {&item.goal, &item.split, &item.population}) *name = in.name();
    item.site = in.site();
    seen.number_of(item);
  });
  in.list([&] {
    Cell cell;
    cell.rollup = in.name();
    cell.bucket = in.name();
    std::size_t base = 0;
    in.list([&] {
      const auto word = in.number();
      for (std::size_t bit = 0; bit < 64; ++bit) {
        if ((word >> bit & 1) != 0) seen.mark(cell, base + bit);
      }
      base += 64;
    });
  });
  return seen;
}

}  // namespace

std::string encode_history(const History& history) {
  BlobWriter out;
  out.number(kVersion);
  out.number(history.is_human ? 1 : 0);
  out.list(history.waiting, [&](const std::string& line) { out.text(line); });
  out.list(history.goals, [&](NameId goal) { out.number(goal); });
  out.list(history.variants, [&](const Variant& variant) {
    out.number(variant.split);
    out.number(variant.population);
  });
  out.list(history.complex_goals, [&](const ComplexProgress& progress) {
    out.number(progress.goal);
    out.number(progress.is_closed ? 1 : 0);
    out.list(progress.counted, [&](const CounterKey& key) { write_key(key, out); });
  });
  write_seen(history.seen, out);
  return out.take();
}

History decode_history(std::string_view blob) {
  BlobReader in(blob);
  if (in.number() != kVersion) throw DamageError("a visitor's history is of another version");
  History history;
  history.is_human = in.number() != 0;
  in.list([&] { history.waiting.push_back(in.text()); });
  in.list([&] { history.goals.push_back(in.name()); });
  in.list([&] {
    const auto split = in.name();
    history.variants.push_back({split, in.name()});
  });
  in.list([&] {
    ComplexProgress progress{in.name(), in.number() != 0, {}};
    in.list([&] { progress.counted.push_back(read_key(in)); });
    history.complex_goals.push_back(std::move(progress));
  });
  history.seen = read_seen(in);
  in.end();
  return history;
}

}  // namespace manhattan::count
