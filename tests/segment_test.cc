// SPDX-License-Identifier: MIT
// Which files are hours of a log, and which are somebody else's.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE segment
#include <sys/stat.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "log/archive.h"
#include "log/deflater.h"
#include "tests/support/log_fixture.h"

using namespace manhattan;
using testing::Folder;
using Holds = log::Segments::Holds;

namespace {

const std::string kPixel = "1\tpixel\t1\tann\t1\n";
const std::string kForgotten = "1\tpixel\t0\t###\t0\n";
const std::string kOther =
    "203.0.113.1 - - [28/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n";

std::string times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

struct NameCase {
  const char* name;
  std::optional<std::int64_t> hour_s;
};
std::ostream& operator<<(std::ostream& out, const NameCase& c) { return out << c.name; }
const NameCase kNames[] = {
    {"log.0", 0},
    {"log.3600", 3600},
    {"log.1800000000", 1800000000},
    {"log.9000000000", 9000000000},
    {"log.9000003600", {}},
    {"log.1", {}},
    {"log.20261129", {}},
    {"log.3601", {}},
    {"log.-3600", {}},
    {"log.+3600", {}},
    {"log.03600", {}},
    {"log.00", {}},
    {"log.-0", {}},
    {"log. 3600", {}},
    {"log.3600 ", {}},
    {"log.3600.bak", {}},
    {"log.3600.zst", {}},
    {"log.0x0", {}},
    {"log.1e4", {}},
    {"log.99999999999999999999999999", {}},
    {"log.", {}},
    {"log", {}},
    {"logs.3600", {}},
};

struct ContentCase {
  const char* says;
  std::string content;
  Holds holds;
  bool may_be_destroyed = false;
};
std::ostream& operator<<(std::ostream& out, const ContentCase& c) { return out << c.says; }
const ContentCase kContents[] = {
    {"records", times(3, kPixel), Holds::records, true},
    {"a forgotten one", kForgotten, Holds::records, true},
    {"a torn line, then records", "torn\n" + times(3, kPixel), Holds::records, true},
    {"zeros of a power cut, then records", std::string(9000, '\0') + times(3, kPixel),
     Holds::records, true},
    {"a record among others", times(5, kOther) + kPixel + times(5, kOther), Holds::records, false},
    {"two megabytes before the first record", times(40'000, kOther) + kPixel, Holds::records,
     false},
    {"nothing", "", Holds::no_line},
    {"the beginning of a line", "1\tpix", Holds::no_line},
    {"a byte of it", "1", Holds::no_line},
    {"empty lines", "\n\n", Holds::no_line},
    {"an access log", times(5, kOther), Holds::others},
    {"another's line that has begun", "hello", Holds::others},
    {"zeros", std::string(5000, '\0'), Holds::others},
    {"one line of megabytes", std::string(3 << 20, 'x') + "\n", Holds::others},
    {"lines of a later version", "2\tpixel\t1\tann\t1\n", Holds::others},
};

void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

void write_packed(const std::string& path, const std::string& content) {
  base::SystemFiles files;
  const auto fd = files.open_append(path, 0640);
  log::Deflater deflater(log::compression_of(path)->format, files, fd.get(), path);
  deflater.write(content);
  deflater.finish();
}

struct Place {
  Folder folder;
  std::vector<std::string> told;
  log::ArchiveFiles files{[](const std::string& what) { BOOST_ERROR(what); }};
  log::Segments segments{folder / "log", [this](const std::string& what) { told.push_back(what); }};

  std::string path(const std::string& suffix = "") const { return folder / ("log.3600" + suffix); }
  Holds look() {
    const auto fd = segments.open(files, path());
    return fd ? segments.look(files, fd.get(), path()) : Holds::others;
  }
};

}  // namespace

BOOST_DATA_TEST_CASE(an_hour_is_named_in_one_way, boost::unit_test::data::make(kNames), c) {
  BOOST_TEST((log::segment_hour_s(std::string("/a/") + c.name, "/a/log") == c.hour_s));
}

BOOST_DATA_TEST_CASE(what_stands_in_a_file_decides, boost::unit_test::data::make(kContents), c) {
  for (const std::string suffix : {"", ".gz", ".zst"}) {
    Place place;
    suffix.empty() ? write(place.path(), c.content) : write_packed(place.path(suffix), c.content);
    BOOST_TEST((place.look() == c.holds), suffix);
    BOOST_TEST(place.segments.may_be_destroyed(place.files, place.path()) == c.may_be_destroyed,
               suffix);
    place.look();
    const bool is_told =
        c.holds == Holds::others || (c.holds == Holds::records && !c.may_be_destroyed);
    BOOST_TEST(place.told.size() == (is_told ? 1u : 0u), suffix);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_not_opened) {
  Place place;
  write(place.folder / "records", kPixel);
  const auto refused = [&] {
    BOOST_TEST((place.look() == Holds::others));
    BOOST_TEST(place.told.size() == 1u);
    place.told.clear();
    std::filesystem::remove(place.path());
  };
  BOOST_REQUIRE(::mkfifo(place.path().c_str(), 0600) == 0);
  refused();
  std::filesystem::create_directory(place.path());
  refused();
  std::filesystem::create_symlink(place.folder / "records", place.path());
  refused();
  std::filesystem::create_symlink("nowhere", place.path());
  BOOST_TEST((place.look() == Holds::others));
}

BOOST_AUTO_TEST_CASE(a_file_of_others_that_changes_is_looked_into_again) {
  Place place;
  write(place.path(), kOther);
  BOOST_TEST((place.look() == Holds::others));
  write(place.path(), kOther + kPixel);
  BOOST_TEST((place.look() == Holds::records));
  write(place.path(), kOther);
  BOOST_TEST((place.look() == Holds::others));
  write(place.path(), kPixel);
  BOOST_TEST((place.look() == Holds::records));
  BOOST_TEST(place.told.size() == 1u);
}

BOOST_AUTO_TEST_CASE(files_named_after_no_hour_are_told_in_one_line) {
  Place place;
  for (const auto* name : {"log.1", "log.2", "log.3.gz", "log.20261129"})
    write(place.folder / name, kPixel);
  write(place.folder / "log.3600", kPixel);
  for (const auto* name : {"log.spill", "log.lock", "log.x", "log.3600.bak"})
    write(place.folder / name, "");
  const std::vector<std::string> due = {place.path()};
  BOOST_TEST(place.segments.list(place.files) == due);
  place.segments.list(place.files);
  BOOST_REQUIRE(place.told.size() == 1u);
  BOOST_TEST(place.told[0].find("log.1' and 3 more") != std::string::npos, place.told[0]);
}

BOOST_AUTO_TEST_CASE(of_thousands_only_some_are_named) {
  Place place;
  for (int hour = 0; hour < 100; ++hour) {
    const auto path = place.folder / ("log." + std::to_string(3600 * hour));
    write(path, kOther);
    BOOST_TEST(!place.segments.is_segment(place.files, path));
  }
  BOOST_TEST(place.told.size() == 21u);
}
