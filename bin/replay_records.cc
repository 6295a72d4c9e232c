// SPDX-License-Identifier: MIT
#include "bin/replay_records.h"

#include <limits>

#include "record/text_codec.h"

namespace manhattan::program {

void RecordReader::read(const Use& use) {
  while (const auto piece = input_.next(std::numeric_limits<std::int64_t>::max())) {
    if (!read(*piece, use)) return;
  }
}

bool RecordReader::read(const ReplayInput::Piece& piece, const Use& use) {
  std::uint64_t lines = 0;
  bool wants_more = true;
  for_each_line(piece.batch.lines, [&](std::string_view line) {
    if (!wants_more) return;
    ++lines;
    Record record;
    const auto verdict = record::decode(line, scratch_, record);
    if (verdict != record::Verdict::ok) {
      ++skipped_[std::string(record::reason_of(verdict))];
    } else if (filter_.passes(record)) {
      wants_more = use(record, line);
      used_ += wants_more;
    }
  });
  if (piece.batch.skipped_bytes > 0) ++skipped_["skipped_too_long"];
  progress_.advance(piece.bytes, lines);
  return wants_more;
}

std::string RecordReader::skipped() const {
  auto all = input_.skipped();
  for (const auto& [reason, count] : skipped_) all[reason] += count;
  return skipped_text(all);
}

std::string skipped_text(const std::map<std::string, std::uint64_t>& skipped) {
  constexpr std::string_view kHead = "skipped_";
  std::uint64_t total = 0;
  std::string reasons;
  for (const auto& [reason, count] : skipped) {
    total += count;
    reasons += (reasons.empty() ? "" : ", ") + std::to_string(count) + " " +
               reason.substr(reason.starts_with(kHead) ? kHead.size() : 0);
  }
  if (total == 0) return {};
  return std::to_string(total) + (total == 1 ? " line" : " lines") + " skipped: " + reasons;
}

}  // namespace manhattan::program
