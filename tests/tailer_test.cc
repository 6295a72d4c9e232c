// SPDX-License-Identifier: MIT
// What was read of a log is on disk before anybody relies on having read it.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE tailer
#include <boost/test/unit_test.hpp>
#include <limits>
#include <map>
#include <mutex>

#include "log/tailer.h"
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
