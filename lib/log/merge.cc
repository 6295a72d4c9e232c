// SPDX-License-Identifier: MIT
#include "log/merge.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "log/journal.h"

namespace manhattan::log {
namespace {

/// The time that a line gives itself; nothing where it has none that can be read.
std::optional<double> time_of(std::string_view line) noexcept {
  for (int i = 0; i < 2; ++i) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    line.remove_prefix(tab + 1);
  }
  double at_s = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), at_s);
  return error == std::errc{} ? std::optional(at_s) : std::nullopt;
}

}  // namespace

Merge::Merge(base::Files& files, const std::vector<std::string>& prefixes,
             const ConsumedSegments& consumed, const Segments::Tell& tell) {
  for (const auto& prefix : prefixes) {
    const auto declared = [&files, prefix] { return Journal::unsettled(prefix, files); };
    sources_.push_back({Tailer(files, prefix, consumed, declared, tell), {}, {}});
  }
}

void Merge::fill(Source& source) {
  if (source.head) return;
  source.head = source.tailer.next(std::numeric_limits<std::int64_t>::max());
  if (!source.head) return;
  const auto hour_s = segment_hour_s(source.head->file, source.tailer.prefix());
  // A line without a time goes where its log is by now.
  const auto at_s = time_of(source.head->lines).value_or(source.time.at_s);
  source.time = {hour_s.value_or(0), at_s};
}

std::optional<Batch> Merge::next(std::int64_t most_lines) {
  Source* first = nullptr;
  Source* rival = nullptr;
  for (auto& source : sources_) {
    fill(source);
    if (!source.head) continue;
    if (first == nullptr || source.time < first->time) {
      rival = first;
      first = &source;
    } else if (rival == nullptr || source.time < rival->time) {
      rival = &source;
    }
  }
  if (first == nullptr) return std::nullopt;
  return take(*first, rival, most_lines);
}

Batch Merge::take(Source& source, const Source* rival, std::int64_t most_lines) {
  auto& head = *source.head;
  // Mostly there is one log, and all of what it gave is wanted.
  const bool takes_all =
      rival == nullptr && most_lines >= static_cast<std::int64_t>(head.lines.size());
  std::size_t end = takes_all ? head.lines.size() : 0;
  for (; most_lines > 0 && end < head.lines.size(); --most_lines) {
    if (rival != nullptr) {
      source.time.at_s = time_of(head.lines.substr(end)).value_or(source.time.at_s);
      if (end > 0 && rival->time < source.time) break;
    }
    end = head.lines.find('\n', end) + 1;
  }
  Batch batch{head.file, head.offset, head.lines.substr(0, end), 0, head.begins};
  head.offset += end;
  head.lines.remove_prefix(end);
  if (head.lines.empty()) {
    batch.skipped_bytes = head.skipped_bytes;
    source.head.reset();
  } else {
    source.time.at_s = time_of(head.lines).value_or(source.time.at_s);
  }
  return batch;
}

void Merge::rescan() {
  for (auto& source : sources_) source.tailer.rescan();
}

void Merge::touch(const std::string& path) {
  for (auto& source : sources_) source.tailer.touch(path);
}

void Merge::sync() {
  for (auto& source : sources_) source.tailer.sync();
}

}  // namespace manhattan::log
