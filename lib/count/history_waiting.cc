// SPDX-License-Identifier: MIT
// The part of a history that ends with the visitor's first pixel.
#include <cstring>

#include "count/history.h"

namespace manhattan::count {

std::uint32_t History::add_waiting(std::string_view line, std::size_t most_bytes) {
  const base::TabFields fields(line);
  // Mostly there is room, which is seen without looking at any line.
  const auto has_room = [&] {
    return archive_bytes_ + ShortLine(line).most_bytes() <= most_bytes ||
           waiting_bytes_with(line, fields) <= most_bytes;
  };
  std::uint32_t dropped = 0;
  for (; waiting_ == kMostWaiting || (waiting_ > 0 && !has_room()); ++dropped) drop_oldest();
  has_changed = true;
  if (waiting_ == 0) {
    archive_bytes_ = lines_from_ = 0;
    if (line.size() > most_bytes) return dropped + 1;
    reserve(1);
    *at<char>(archive_offset()) = 0;  // templates
    archive_bytes_ = lines_from_ = 1;
  }
  const auto short_line = shorten(line, fields);
  reserve(short_line.most_bytes());
  auto* const start = at<char>(archive_offset() + archive_bytes_);
  archive_bytes_ += static_cast<std::uint32_t>(short_line.write(fields, start) - start);
  ++waiting_;
  return dropped;
}

/// What templates and lines take, at most, once `line` is among them. It depends on the lines alone
/// and not on when they were packed: who counts the log again drops the same ones.
std::size_t History::waiting_bytes_with(std::string_view line,
                                        const base::TabFields& fields) const {
  BlobReader in(archive());
  const WaitingLines waiting(in);
  const auto templates = archive_bytes_ - in.rest().size();
  const auto known = waiting.shorten(fields);
  return templates + waiting_lines().size() +
         (known ? known->most_bytes() : ShortLine(line).most_bytes());
}

/// By its template, which it becomes itself where it is the first of its kind.
ShortLine History::shorten(std::string_view line, const base::TabFields& fields) {
  BlobReader in(archive());
  const WaitingLines waiting(in);
  if (const auto known = waiting.shorten(fields)) return *known;
  if (waiting.templates() == WaitingLines::kMostTemplates) return ShortLine(line);
  const auto number = waiting.templates() + 1;
  add_template(line, archive_bytes_ - static_cast<std::uint32_t>(in.rest().size()));
  return {fields, number, fields};
}

/// Behind the others, which end at `end`.
void History::add_template(std::string_view line, std::uint32_t end) {
  const auto size = static_cast<std::uint32_t>(line.size());
  char length[kMostNumberBytes];
  const auto added = static_cast<std::uint32_t>(put_number(size, length) - length) + size;
  reserve(added);
  auto* const place = at<char>(archive_offset() + end);
  std::memmove(place + added, place, archive_bytes_ - end);
  std::memcpy(place, length, added - size);
  std::memcpy(place + added - size, line.data(), size);
  ++*at<char>(archive_offset());
  archive_bytes_ += added;
  lines_from_ += added;
}

void History::drop_oldest() {
  BlobReader in(archive());
  const WaitingLines waiting(in);
  const auto templates_end = archive_bytes_ - static_cast<std::uint32_t>(in.rest().size());
  BlobReader lines(waiting_lines());
  WaitingLines::skip(lines);
  --waiting_;
  lines_from_ = archive_bytes_ - static_cast<std::uint32_t>(lines.rest().size());
  const auto gap = lines_from_ - templates_end;
  if (gap < archive_bytes_ / 2) return;  // to move all the others each time would cost
  auto* const place = at<char>(archive_offset() + templates_end);
  std::memmove(place, lines.rest().data(), lines.rest().size());
  archive_bytes_ -= gap;
  lines_from_ -= gap;
}

void History::take_waiting(std::string& lines) {
  lines.clear();
  BlobReader templates(archive()), in(waiting_lines());
  if (waiting_ > 0) {
    const WaitingLines waiting(templates);
    for (; !in.is_at_end(); lines += '\n') waiting.read(in, lines);
  }
  archive_bytes_ = waiting_ = lines_from_ = 0;
  has_changed = true;
}

void History::read_waiting(BlobReader& in, std::uint8_t version) {
  const auto count = in.size();
  in.require(count <= kMostWaiting);
  if (version == 1) {
    while (waiting_ < count) add_waiting(in.text());
  }
  if (version == 1 || count == 0) return;
  const auto bytes = in.rest();
  const WaitingLines waiting(in);
  const auto templates_end = bytes.size() - in.rest().size();
  std::string line;
  for (; waiting_ < count; ++waiting_) waiting.read(in, line);
  const auto size = bytes.size() - in.rest().size();
  reserve(size);
  std::memcpy(at<char>(archive_offset()), bytes.data(), size);
  archive_bytes_ = static_cast<std::uint32_t>(size);
  lines_from_ = static_cast<std::uint32_t>(templates_end);
}

void History::write_waiting(BlobWriter& out) const {
  out.number(waiting_);
  if (waiting_ == 0) return;
  BlobReader in(archive());
  const WaitingLines waiting(in);
  out.raw(archive().substr(0, archive_bytes_ - in.rest().size()));
  out.raw(waiting_lines());
}

}  // namespace manhattan::count
