// SPDX-License-Identifier: MIT
// What was read of a log is on disk before anybody relies on having read it.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE tailer
#include <boost/test/unit_test.hpp>
#include <limits>
#include <map>
#include <mutex>

#include "log/fingerprint.h"
#include "log/tailer.h"
#include "record/erase.h"
#include "tests/support/log_fixture.h"

using namespace manhattan;

namespace {

const std::string kPixel = "1\tpixel\t1\tann\t1\n";
constexpr auto kAll = std::numeric_limits<std::int64_t>::max();

/// The machine's files; notes which were synced.
class SyncedFiles final : public base::SystemFiles {
 public:
  bool can_sync = true;

  void sync(int fd, const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (!can_sync) throw IoError("sync", path, std::make_error_code(std::errc::io_error));
    SystemFiles::sync(fd, path);
    ++synced_[path];
  }
  std::map<std::string, int> synced() {
    const std::lock_guard lock(mutex_);
    return synced_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> synced_;
};

struct Segments {
  testing::Folder folder;
  std::string prefix = folder / "log";
  SyncedFiles files;

  std::string path(int hour) const { return prefix + '.' + std::to_string(3600 * hour); }
  void append(int hour, std::string_view lines) {
    const auto fd = files.open_append(path(hour), 0600);
    files.write_all(fd.get(), lines, path(hour));
  }
};

std::string read_all(log::Tailer& tailer) {
  std::string lines;
  while (const auto batch = tailer.next(kAll)) lines += batch->lines;
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_segment_is_synced_once_after_it_was_read) {
  Segments segments;
  std::map<std::string, int> once;
  for (int hour = 1; hour <= 50; ++hour) {
    segments.append(hour, kPixel + kPixel);
    once[segments.path(hour)] = 1;
  }
  log::Tailer tailer(segments.files, segments.prefix, {});
  BOOST_TEST(read_all(tailer).size() == 100u * kPixel.size());
  tailer.sync();
  BOOST_TEST((segments.files.synced() == once));
  tailer.sync();
  BOOST_TEST((segments.files.synced() == once));
  segments.append(7, kPixel);
  tailer.touch(segments.path(7));
  BOOST_TEST(read_all(tailer) == kPixel);
  tailer.sync();
  once[segments.path(7)] = 2;
  BOOST_TEST((segments.files.synced() == once));
}

BOOST_AUTO_TEST_CASE(a_segment_that_cannot_be_synced_is_told_before_a_pointer_is_behind_it) {
  Segments segments;
  for (int hour = 1; hour <= 3; ++hour) segments.append(hour, kPixel);
  segments.files.can_sync = false;
  log::Tailer tailer(segments.files, segments.prefix, {});
  const auto read_and_sync = [&] {
    read_all(tailer);
    tailer.sync();
  };
  BOOST_CHECK_THROW(read_and_sync(), IoError);
}

namespace {

std::string pixels(int count, const std::string& visitor) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += "1\tpixel\t" + std::to_string(i) + '\t' + visitor + "\t1\n";
  return lines;
}

/// A tailer that has read ten records of the first hour; how far is what a store would know.
struct Followed : Segments {
  std::vector<std::string> told;
  const std::string first = pixels(10, "ann"), more = pixels(5, "bob");
  log::ConsumedSegments known;
  log::Tailer tailer;

  Followed()
      : tailer((append(1, first), files), prefix, {}, {},
               [this](const std::string& what) { told.push_back(what); }) {
    read();
  }
  std::string read() {
    std::string lines;
    while (const auto batch = tailer.next(kAll)) {
      lines += batch->lines;
      known[batch->file] = {batch->offset + batch->lines.size(), batch->begins};
    }
    return lines;
  }
  std::string read_on() {
    tailer.rescan();
    return read();
  }
  /// What a server that is started now reads.
  std::string read_anew() {
    log::Tailer anew(files, prefix, known, {},
                     [this](const std::string& what) { told.push_back(what); });
    return read_all(anew);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_renamed_segment_is_read_to_its_end_and_the_new_one_from_its_beginning) {
  Followed log;
  log.append(1, "1\tpixel\t99\tlast\t1\n");
  std::filesystem::rename(log.path(1), log.folder / "moved");
  BOOST_TEST(log.read_on() == "");  // nobody has told of it
  log.append(1, log.more);
  BOOST_TEST(log.read_on() == "1\tpixel\t99\tlast\t1\n" + log.more);
  BOOST_TEST(log.told.size() == 1u);
  BOOST_TEST(log.read_anew() == "");
}

BOOST_AUTO_TEST_CASE(a_removed_segment_is_followed_by_the_new_one) {
  Followed log;
  std::filesystem::remove(log.path(1));
  log.append(1, log.more);
  BOOST_TEST(log.read_anew() == log.more);
  BOOST_TEST(log.read_on() == log.more);
  BOOST_TEST(log.told.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_segment_cut_to_nothing_is_read_from_its_beginning) {
  for (const auto& next : {pixels(5, "bob"), pixels(50, "bob")}) {
    Followed log;
    std::filesystem::resize_file(log.path(1), 0);
    log.append(1, next);  // shorter or longer than what was counted
    BOOST_TEST(log.read_anew() == next);
    BOOST_TEST(log.read_on() == next);
    BOOST_TEST(log.told.size() == 2u);
  }
}

BOOST_AUTO_TEST_CASE(of_a_segment_that_lost_its_end_only_what_follows_is_read) {
  Followed log;
  std::filesystem::resize_file(log.path(1), pixels(7, "ann").size());
  BOOST_TEST(log.read_on() == "");
  log.append(1, log.more);
  BOOST_TEST(log.read_on() == log.more);
  BOOST_TEST(log.told.size() == 1u);
  BOOST_TEST(log.read_anew() == "");
}

BOOST_AUTO_TEST_CASE(a_copy_and_a_file_with_erased_lines_are_the_same_segment) {
  Followed log;
  std::filesystem::copy_file(log.path(1), log.folder / "copy");
  std::filesystem::rename(log.folder / "copy", log.path(1));
  BOOST_TEST(log.read_anew() == "");
  auto lines = log.first;
  record::erase(std::span(lines).first(lines.find('\n')));
  std::ofstream(log.path(1)) << lines << log.more;
  BOOST_TEST(log.read_anew() == log.more);
  BOOST_TEST(log.told.empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_the_drain_still_writes_to_is_kept_until_it_leaves_it) {
  Segments log;
  log.append(1, kPixel);
  const auto inode = [&] { return log::inode_at(log.path(1)).value(); };
  log::Written declared{{log.path(1), kPixel.size()}, inode()};
  log::Tailer tailer(log.files, log.prefix, {}, [&] { return std::optional(declared); });
  BOOST_TEST(read_all(tailer) == kPixel);
  std::filesystem::rename(log.path(1), log.folder / "moved");
  log.append(1, "1\tpixel\t2\tnew\t1\n");
  tailer.rescan();
  BOOST_TEST(read_all(tailer) == "");
  const auto fd = log.files.open_append(log.folder / "moved", 0600);
  log.files.write_all(fd.get(), kPixel, "moved");  // and the drain does not know it yet
  declared.offset += kPixel.size();
  tailer.rescan();
  BOOST_TEST(read_all(tailer) == kPixel);
  declared = {{log.path(1), 0}, inode()};
  tailer.rescan();
  BOOST_TEST(read_all(tailer) == "");
  declared.offset = 18;
  tailer.rescan();
  BOOST_TEST(read_all(tailer) == "1\tpixel\t2\tnew\t1\n");
}

BOOST_AUTO_TEST_CASE(a_fingerprint_is_written_and_read) {
  log::Fingerprint begins;
  begins.extend(0, pixels(3, "ann"));
  begins.extend(7, pixels(3, "bob"));  // does not follow
  BOOST_TEST((log::Fingerprint::parse(begins.to_text()) == begins));
  BOOST_TEST(begins.matches(pixels(3, "ann")));
  BOOST_TEST(begins.matches(pixels(2, "ann")));
  BOOST_TEST(!begins.matches(""));
  BOOST_TEST(!begins.matches(pixels(3, "bob")));
  for (const auto* text : {"", "x", "1", "1:", ":1", "1:g", "1:1 ", "1:1  1:1", "-1:1",
                           "1:1 1:1 1:1 1:1 1:1 1:1 1:1 1:1 1:1"})
    BOOST_TEST(log::Fingerprint::parse(text).is_empty(), text);
}
