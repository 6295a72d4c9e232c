// SPDX-License-Identifier: MIT
#include "bin/replay_check.h"

#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "bin/replay_records.h"
#include "log/archive.h"
#include "log/journal.h"
#include "record/escape.h"
#include "record/text_codec.h"

namespace manhattan::program {
namespace {

constexpr std::int64_t kHourS = 3600;

/// Looks at the segments of one log.
class Check {
 public:
  explicit Check(std::string prefix)
      : prefix_(std::move(prefix)),
        segments_(
            prefix_, [this](const std::string& what) { strange_ = what; }, SIZE_MAX),
        files_([this](const std::string& what) { damaged_archive_ = what; }) {}

  std::uint64_t run() {
    const auto segments = segments_.list(files_);
    if (!strange_.empty()) print(prefix_, "foreign", 0, 0, strange_);
    std::optional<std::int64_t> last_hour_s;
    for (const auto& path : segments) {
      if (is_foreign(path)) continue;
      const auto hour_s = *log::segment_hour_s(path, prefix_);
      if (last_hour_s && hour_s - *last_hour_s > kHourS) look_at_gap(*last_hour_s, hour_s);
      last_hour_s = hour_s;
      look_at(path);
    }
    if (!last_hour_s) throw no_log(prefix_);
    return damage_;
  }

 private:
  void print(const std::string& path, const char* verdict, std::uint64_t offset,
             std::uint64_t bytes, const std::string& detail) {
    std::string file;
    record::append_escaped(path, file);
    std::printf("%s\t%s\t%llu\t%llu\t%s\n", file.c_str(), verdict,
                static_cast<unsigned long long>(offset), static_cast<unsigned long long>(bytes),
                detail.c_str());
  }

  void damaged(const std::string& path, const char* verdict, std::uint64_t offset,
               std::uint64_t bytes, const std::string& detail) {
    ++damage_;
    print(path, verdict, offset, bytes, detail);
  }

  /// Hours in which nobody came have no segment either, so this is no damage.
  void look_at_gap(std::int64_t before_s, std::int64_t after_s) {
    const auto hours = (after_s - before_s) / kHourS - 1;
    const UnixNanos first{std::chrono::seconds(before_s + kHourS)};
    print(log::segment_path(prefix_, first), "gap", 0, 0, std::to_string(hours) + " hours");
  }

  /// A file of others: no damage.
  bool is_foreign(const std::string& path) {
    strange_.clear();
    const auto fd = segments_.open(files_, path);
    if (fd) segments_.look(files_, fd.get(), path);
    if (!strange_.empty()) print(log::stored_path(path).value_or(path), "foreign", 0, 0, strange_);
    return !strange_.empty();
  }

  void look_at(const std::string& path) {
    const auto stored = log::stored_path(path);
    if (!stored) return;  // removed just now
    for (const char* suffix : {".gz", ".zst"}) {
      const auto other = path + suffix;
      if (*stored != other && ::access(other.c_str(), F_OK) == 0)
        print(other, "ignored", 0, 0, "'" + *stored + "' is read");
    }
    log::LineReader reader(files_, path, 0);
    records_ = forgotten_ = 0;
    while (const auto batch = reader.next()) look_at(*batch);
    look_at_end(path, reader);
    const auto erased = forgotten_ == 0 ? "" : ", " + std::to_string(forgotten_) + " forgotten";
    print(path, "read", 0, reader.offset(), std::to_string(records_) + " records" + erased);
  }

  void look_at(const log::Batch& batch) {
    auto offset = batch.offset;
    for_each_line(batch.lines, [&](std::string_view line) {
      Record record;
      const auto verdict = record::decode(line, scratch_, record);
      if (verdict == record::Verdict::ok) {
        ++records_;
      } else if (verdict == record::Verdict::forgotten) {
        ++forgotten_;
      } else {
        constexpr std::string_view kHead = "skipped_";
        damaged(batch.file, "damaged", offset, line.size(),
                std::string(record::reason_of(verdict).substr(kHead.size())));
      }
      offset += line.size();
    });
    if (batch.skipped_bytes > 0)
      damaged(batch.file, "damaged", offset, batch.skipped_bytes, "too_long");
  }

  void look_at_end(const std::string& path, const log::LineReader& reader) {
    if (!damaged_archive_.empty())
      damaged(path, "undecodable", reader.offset() + reader.torn_bytes(), 0, damaged_archive_);
    damaged_archive_.clear();
    if (reader.torn_bytes() == 0) return;
    const auto unsettled = log::Journal::unsettled(prefix_, files_);
    if (unsettled && unsettled->file == path) {
      print(path, "unsettled", reader.offset(), reader.torn_bytes(), "the server settles it");
    } else {
      damaged(path, "torn", reader.offset(), reader.torn_bytes(), "no newline");
    }
  }

  const std::string prefix_;
  std::string strange_;  ///< what is said of the file at hand
  log::Segments segments_;
  std::string damaged_archive_;
  log::ArchiveFiles files_;
  std::string scratch_;
  std::uint64_t damage_ = 0;
  std::uint64_t records_ = 0;  // of the segment at hand
  std::uint64_t forgotten_ = 0;
};

}  // namespace

std::uint64_t check(const ReplayOptions& options) {
  std::uint64_t damage = 0;
  for (const auto& prefix : options.prefixes) damage += Check(prefix).run();
  return damage;
}

}  // namespace manhattan::program
