// SPDX-License-Identifier: MIT
#include "bin/replay_input.h"

#include <algorithm>
#include <filesystem>

#include "bin/replay_records.h"
#include "log/archive.h"
#include "record/anonymize.h"
#include "record/combined.h"
#include "record/text_codec.h"

namespace manhattan::program {
namespace {

// What compression makes of a log, for the estimate of a compressed file's size.
constexpr std::uint64_t kUsualRatio = 8;

std::uint64_t estimated_bytes(const std::string& path, std::uint64_t consumed) {
  const auto stored = log::stored_path(path);
  if (!stored) return 0;
  std::error_code ignored;  // an estimate
  const auto size = std::filesystem::file_size(*stored, ignored);
  const auto plain = *stored == path ? size : size * kUsualRatio;
  return plain - std::min(plain, consumed);
}

std::uint64_t consumed_of(const log::ConsumedSegments& consumed, const std::string& path) {
  const auto known = consumed.find(path);
  return known == consumed.end() ? 0 : known->second.offset;
}

/// A compressed file is read as the plain one that it was.
std::string plain_path(const std::string& path) {
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (path.ends_with(suffix)) return path.substr(0, path.size() - suffix.size());
  }
  return path;
}

/// Time of the first page in an access log: files are read in this order.
UnixNanos first_time(base::Files& files, const std::string& path) {
  log::LineReader reader(files, path, 0);
  std::string scratch;
  Record record;
  const auto batch = reader.next();
  for (auto lines = batch ? batch->lines : std::string_view(); !lines.empty();) {
    const auto line = lines.substr(0, lines.find('\n') + 1);
    if (record::parse_access(line, scratch, record) == record::Access::page) return record.at;
    lines.remove_prefix(line.size());
  }
  return {};
}

}  // namespace

ConfigError no_log(const std::string& prefix) {
  return ConfigError("no log '" + prefix + "': there is no " + prefix + ".<hour>");
}

std::vector<std::string> require_log(const std::string& prefix, const log::Segments::Tell& tell) {
  log::Segments segments(prefix, tell);
  log::ArchiveFiles files([](const std::string&) {});
  auto paths = segments.list(files);
  const bool has_some = std::ranges::any_of(paths, [&](const auto& path) {
    const auto fd = segments.open(files, path);
    return fd && segments.look(files, fd.get(), path) != log::Segments::Holds::others;
  });
  if (!has_some) throw no_log(prefix);
  return paths;
}

ReplayInput::ReplayInput(base::Files& files, const ReplayOptions& options,
                         const log::ConsumedSegments& consumed, base::MessageLog& messages)
    : files_(files), messages_(messages), is_anonymized_(options.is_anonymized) {
  options.is_combined ? open_access_logs(options, consumed) : open_logs(options, consumed);
}

void ReplayInput::open_logs(const ReplayOptions& options, const log::ConsumedSegments& consumed) {
  const log::Segments::Tell tell = [this](const std::string& what) {
    messages_.warning_once(what);
  };
  for (const auto& prefix : options.prefixes) {
    const auto segments =
        options.is_following ? log::Segments(prefix).list(files_) : require_log(prefix, tell);
    for (const auto& path : segments)
      total_bytes_ += estimated_bytes(path, consumed_of(consumed, path));
  }
  merge_ = std::make_unique<log::Merge>(files_, options.prefixes, consumed, tell);
}

void ReplayInput::open_access_logs(const ReplayOptions& options,
                                   const log::ConsumedSegments& consumed) {
  std::vector<std::pair<UnixNanos, std::string>> paths;
  for (const auto& named : options.prefixes) {
    const auto path = plain_path(named);
    if (!log::stored_path(path)) throw ConfigError("no web server log '" + named + "'");
    paths.emplace_back(first_time(files_, path), path);
  }
  std::sort(paths.rbegin(), paths.rend());
  for (const auto& [at, path] : paths) {
    access_logs_.push_back({path, consumed_of(consumed, path)});
    total_bytes_ += estimated_bytes(path, access_logs_.back().offset);
  }
}

std::optional<ReplayInput::Piece> ReplayInput::next(std::int64_t most_lines) {
  if (!merge_) return next_access(most_lines);
  auto batch = merge_->next(most_lines);
  if (!batch) return std::nullopt;
  const auto bytes = batch->lines.size() + batch->skipped_bytes;
  Piece piece{*batch, {batch->file, batch->offset + bytes}, bytes};
  if (is_anonymized_) {
    translated_.clear();
    for_each_line(batch->lines,
                  [&](std::string_view line) { record::append_anonymized(line, translated_); });
    piece.batch.lines = translated_;
  }
  return piece;
}

std::optional<ReplayInput::Piece> ReplayInput::next_access(std::int64_t most_lines) {
  auto& rest = access_rest_;
  while (rest.lines.empty() && rest.skipped_bytes == 0) {
    if (!access_) {
      if (access_logs_.empty()) return std::nullopt;
      auto [path, offset] = std::move(access_logs_.back());
      access_logs_.pop_back();
      access_ = std::make_unique<log::LineReader>(files_, path, offset);
    }
    if (auto batch = access_->next()) {
      rest = *batch;
    } else {
      access_.reset();
    }
  }
  translated_.clear();
  std::size_t end = 0;
  for (; most_lines > 0 && end < rest.lines.size(); most_lines -= 2) {
    const auto start = end;
    end = rest.lines.find('\n', start) + 1;
    translate(rest.lines.substr(start, end - start));
  }
  if (rest.skipped_bytes > 0) ++skipped_["skipped_too_long"];
  const auto bytes = end + std::exchange(rest.skipped_bytes, 0);
  Piece piece{{rest.file, rest.offset, translated_, 0}, {rest.file, rest.offset + bytes}, bytes};
  rest.offset += bytes;
  rest.lines.remove_prefix(end);
  return piece;
}

void ReplayInput::translate(std::string_view line) {
  Record record;
  const auto access = record::parse_access(line, scratch_, record);
  if (access != record::Access::page) {
    ++skipped_[std::string(record::reason_of(access))];
    return;
  }
  if (is_anonymized_) record::anonymize(std::get<Page>(record.event), storage_);
  record::encode(record, translated_);
  record.event = Pixel{};
  record::encode(record, translated_);
}

void ReplayInput::sync() {
  if (merge_) merge_->sync();  // access logs are another's, and not written by us
}

}  // namespace manhattan::program
