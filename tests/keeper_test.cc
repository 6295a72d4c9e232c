// SPDX-License-Identifier: MIT
// Finished hours are compressed and old ones deleted, once they are counted, and nothing is lost.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE keeper
#include <boost/test/unit_test.hpp>

#include "log/archive.h"
#include "log/deflater.h"
#include "log/keeper.h"
#include "log/merge.h"
#include "tests/support/log_fixture.h"

using namespace manhattan;
using namespace std::chrono_literals;
using manhattan::testing::FailingFiles;
using manhattan::testing::Folder;

namespace {

base::MessageLog silent("test", base::MessageLog::Level::error, "/dev/null");

constexpr std::int64_t kHourS = 3600;
UnixNanos hour(std::int64_t number) { return UnixNanos(std::chrono::seconds(number * kHourS)); }

std::string pixels(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "1\tpixel\t" + std::to_string(i) + "\tann\t1\n";
  return text;
}

/// A log of three hours, all of it counted.
struct Hours {
  Folder folder;
  FailingFiles files;
  std::string prefix = folder / "log";
  std::map<std::string, std::uint64_t> counted;
  int asked = 0;

  Hours() {
    for (const int number : {1, 2, 3}) write(number, pixels(1000 * number));
  }
  std::string path(int number) const { return prefix + "." + std::to_string(number * kHourS); }
  void write(int number, const std::string& text) {
    std::ofstream(path(number), std::ios::binary) << text;
    counted[path(number)] = text.size();
  }
  log::Keeper keeper(log::Keeper::Rules rules) {
    return log::Keeper(
        prefix, rules, files,
        [this] {
          ++asked;
          return counted;
        },
        silent);
  }
  bool has(const std::string& path) const { return std::filesystem::exists(path); }
  /// Hours of which there is the plain file, the compressed one, or both.
  std::string state() const {
    std::string text;
    for (const int number : {1, 2, 3}) {
      if (has(path(number))) text += std::to_string(number) + " ";
      if (has(path(number) + ".zst")) text += std::to_string(number) + "z ";
    }
    return text;
  }
  std::string all() {
    log::ArchiveFiles archive([](const std::string& what) { BOOST_ERROR(what); });
    log::Merge merge(archive, {prefix}, {});
    std::string text;
    while (const auto batch = merge.next(INT64_MAX)) text += batch->lines;
    return text;
  }
};

constexpr auto kLong = 48h;  // the server has run
const log::Keeper::Rules kCompress{.is_compressing = true};

}  // namespace

BOOST_AUTO_TEST_CASE(finished_hours_are_compressed_and_read_as_before) {
  Hours hours;
  const auto before = hours.all();
  auto keeper = hours.keeper(kCompress);
  keeper.pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "1z 2z 3 ");  // the newest stays
  BOOST_TEST(hours.all() == before);
  BOOST_TEST(keeper.tallies()["log_compressed"] == 2);
  keeper.pass(hour(100), {}, kLong);
  BOOST_TEST(hours.asked == 1);  // nothing left to ask about
}

BOOST_AUTO_TEST_CASE(an_hour_that_is_just_over_or_still_declared_is_left_alone) {
  Hours hours;
  auto keeper = hours.keeper(kCompress);
  keeper.pass(hour(2) + 5min, {}, kLong);
  BOOST_TEST(hours.state() == "1 2 3 ");
  keeper.pass(hour(2) + 15min, {}, kLong);
  BOOST_TEST(hours.state() == "1z 2 3 ");
  keeper.pass(hour(100), log::Pointer{hours.path(2), 7}, kLong);
  BOOST_TEST(hours.state() == "1z 2 3 ");
}

BOOST_AUTO_TEST_CASE(what_the_store_has_not_counted_is_neither_compressed_nor_deleted) {
  Hours hours;
  hours.counted[hours.path(1)] -= 1;
  hours.counted.erase(hours.path(2));
  hours.keeper(kCompress).pass(hour(1000), {}, kLong);
  hours.keeper({.keep_bytes = 1}).pass(hour(1000), {}, kLong);
  hours.keeper({.is_compressing = true, .keep_for = 1h, .keep_bytes = 1})
      .pass(hour(1000), {}, kLong);
  BOOST_TEST(hours.state() == "1 2 3 ");
}

BOOST_AUTO_TEST_CASE(a_torn_end_is_no_record_to_wait_for) {
  Hours hours;
  hours.write(1, pixels(3) + "1\tpixel\t4\ta");
  hours.counted[hours.path(1)] = pixels(3).size();
  const auto before = hours.all();
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "1z 2z 3 ");
  BOOST_TEST(hours.all() == before);
}

BOOST_AUTO_TEST_CASE(old_hours_are_deleted_compressed_or_not) {
  Hours hours;
  hours.keeper(kCompress).pass(hour(2) + 15min, {}, kLong);
  BOOST_TEST(hours.state() == "1z 2 3 ");
  auto keeper = hours.keeper({.keep_for = 24h});
  keeper.pass(hour(26) - 1s, {}, kLong);
  BOOST_TEST(hours.state() == "1z 2 3 ");
  keeper.pass(hour(26), {}, kLong);
  BOOST_TEST(hours.state() == "2 3 ");
  keeper.pass(hour(1000), {}, 2 * kLong);
  BOOST_TEST(hours.state() == "3 ");
  BOOST_TEST(keeper.tallies()["log_deleted"] == 2);
}

BOOST_AUTO_TEST_CASE(a_log_that_is_too_large_loses_its_oldest_hours) {
  Hours hours;
  const auto sizes = pixels(3000).size() + pixels(2000).size();
  hours.keeper({.keep_bytes = sizes}).pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "2 3 ");
  hours.keeper({.keep_bytes = sizes - 1}).pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "3 ");
}

BOOST_AUTO_TEST_CASE(a_failure_anywhere_leaves_the_plain_file_and_is_made_good_later) {
  for (std::int64_t room = 0; room < 4096; room += 64) {
    Hours hours;
    const auto before = hours.all();
    hours.files.bytes_left = room;
    hours.keeper(kCompress).pass(hour(100), {}, kLong);
    BOOST_TEST(hours.all() == before);
    hours.files.bytes_left = INT64_MAX;
    hours.files.can_rename = false;
    hours.keeper(kCompress).pass(hour(100), {}, kLong);
    BOOST_TEST(hours.all() == before);
    hours.files.can_rename = true;
    hours.keeper(kCompress).pass(hour(100), {}, kLong);
    BOOST_TEST(hours.state() == "1z 2z 3 ");
    BOOST_TEST(hours.all() == before);
    for (const auto& name : hours.folder.names()) BOOST_TEST(!name.ends_with(".part"), name);
  }
}

BOOST_AUTO_TEST_CASE(its_pulse_beats_for_each_piece_of_a_large_hour_and_rests_afterwards) {
  struct SeenFiles : base::SystemFiles {
    std::function<std::uint64_t()> pulse;
    std::vector<std::uint64_t> seen;
    std::size_t read_at(int fd, std::span<char> into, std::uint64_t offset,
                        const std::string& path) override {
      seen.push_back(pulse());
      return SystemFiles::read_at(fd, into, offset, path);
    }
  };
  Hours hours;
  hours.write(1, pixels(300'000));
  SeenFiles files;
  log::Keeper keeper(
      hours.prefix, kCompress, files, [&] { return hours.counted; }, silent);
  files.pulse = [&] { return keeper.pulse().now(); };
  BOOST_TEST(keeper.pulse().now() == base::Pulse::kResting);
  keeper.pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "1z 2z 3 ");
  BOOST_TEST(files.seen.size() >= 6u);
  const bool beats_for_each = std::ranges::adjacent_find(files.seen) == files.seen.end();
  BOOST_TEST(beats_for_each);
  BOOST_TEST(std::ranges::count(files.seen, base::Pulse::kResting) == 0);
  BOOST_TEST(keeper.pulse().now() == base::Pulse::kResting);
}

BOOST_AUTO_TEST_CASE(a_pulse_beats_while_compressed_bytes_are_skipped) {
  Hours hours;
  const auto text = pixels(300'000);
  hours.write(1, text);
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  base::Pulse pulse;
  log::ArchiveFiles archive([](const std::string& what) { BOOST_ERROR(what); }, &pulse);
  char last = 0;
  const auto fd = archive.open_read(hours.path(1));
  BOOST_TEST(archive.read_at(fd.get(), {&last, 1}, text.size() - 1, hours.path(1)) == 1u);
  BOOST_TEST(pulse.now() >= 80u);  // a piece is 64 KiB
}

BOOST_AUTO_TEST_CASE(killed_between_rename_and_removal_both_are_there_and_one_is_read) {
  Hours hours;
  const auto before = hours.all();
  const auto plain = base::read_file(hours.path(1));
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  std::ofstream(hours.path(1), std::ios::binary) << plain;
  BOOST_TEST(hours.all() == before);
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "1z 2z 3 ");
  BOOST_TEST(hours.all() == before);
}

BOOST_AUTO_TEST_CASE(a_file_that_stands_in_for_a_longer_compressed_one_replaces_nothing) {
  Hours hours;
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  hours.write(1, pixels(1));  // a clock was put back
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "1 1z 2z 3 ");
}

BOOST_AUTO_TEST_CASE(a_tailer_goes_on_where_it_was_though_the_file_was_compressed_or_is_gone) {
  Hours hours;
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  const auto line = pixels(1).size();
  log::ArchiveFiles archive([](const std::string& what) { BOOST_ERROR(what); });
  log::Tailer tailer(archive, hours.prefix,
                     {{hours.path(1), {line}}, {hours.path(2), {pixels(2000).size()}}});
  std::string text;
  while (const auto batch = tailer.next(INT64_MAX)) text += batch->lines;
  BOOST_TEST(text == pixels(1000).substr(line) + pixels(3000));
  BOOST_TEST(tailer.lag_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_compressed_file_says_of_its_size_is_only_believed_where_it_is_whole) {
  Hours hours;
  hours.keeper(kCompress).pass(hour(100), {}, kLong);
  base::SystemFiles files;
  const auto said = [&](const std::string& bytes) {
    const auto path = hours.folder / "some.zst";
    std::ofstream(path, std::ios::binary) << bytes;
    return log::said_size(files.open_read(path).get(), path);
  };
  const auto whole = base::read_file(hours.path(1) + ".zst");
  BOOST_TEST(said(whole).value_or(0) == pixels(1000).size());
  BOOST_TEST(!said(whole + whole));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) BOOST_TEST(!said(whole.substr(0, cut)));
}

BOOST_AUTO_TEST_CASE(a_clock_that_no_record_confirms_deletes_nothing_for_a_day) {
  Hours hours;
  auto keeper = hours.keeper({.keep_for = 24h});
  for (const auto has_run : {0h, 1h, 23h}) keeper.pass(hour(9000), {}, has_run);
  BOOST_TEST(hours.state() == "1 2 3 ");
  keeper.pass(hour(9000), {}, 24h);
  BOOST_TEST(hours.state() == "3 ");
}

BOOST_AUTO_TEST_CASE(records_of_a_day_ago_confirm_the_clock_until_it_jumps) {
  Hours hours;
  auto keeper = hours.keeper({.keep_for = 31h});
  keeper.pass(hour(34), {}, 48h);
  BOOST_TEST(hours.state() == "3 ");
  hours.write(1, pixels(9));
  keeper.pass(hour(9000), {}, 49h);
  BOOST_TEST(hours.state() == "1 3 ");
  keeper.pass(hour(9000), {}, 72h);
  BOOST_TEST(hours.state() == "3 ");
}

BOOST_AUTO_TEST_CASE(a_file_of_the_future_is_left_alone_and_is_not_the_newest) {
  Hours hours;
  hours.write(9000, pixels(3));
  hours.keeper({.is_compressing = true, .keep_for = 1h, .keep_bytes = 1})
      .pass(hour(100), {}, kLong);
  BOOST_TEST(hours.state() == "3 ");
  BOOST_TEST(hours.has(hours.path(9000)));
}

BOOST_AUTO_TEST_CASE(a_dry_run_tells_what_would_be_deleted_and_deletes_nothing) {
  Hours hours;
  std::vector<std::string> told;
  log::Keeper::Rules rules{.is_compressing = true, .keep_for = 1h};
  rules.dry_run = [&](const std::string& path, const std::string&) { told.push_back(path); };
  hours.keeper(rules).pass(hour(100), {}, kLong);
  const std::vector<std::string> due = {hours.path(1), hours.path(2)};
  BOOST_TEST(told == due);
  BOOST_TEST(hours.state() == "1 2 3 ");
}
