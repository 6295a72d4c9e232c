// SPDX-License-Identifier: MIT
// Files of a log that change, or go, under who reads them.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE archive
#include <zstd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "log/archive.h"
#include "log/line_reader.h"
#include "tests/support/log_fixture.h"

using namespace manhattan;
using testing::Folder;

namespace {

void write_packed(const std::string& path, const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  std::ofstream(path, std::ios::binary) << packed;
}

void fail(const std::string& what) { BOOST_ERROR(what); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_used_again_is_of_the_new_file) {
  const Folder folder;
  write_packed(folder / "log.0.zst", std::string(1000, 'x'));
  log::ArchiveFiles files(fail);
  int used = -1;
  {
    const auto packed = files.open_read(folder / "log.0");
    used = packed.get();
    std::array<char, 2000> into;
    BOOST_TEST(files.read_at(used, into, 0, folder / "log.0") == 1000u);
  }
  const auto fresh = files.open_append(folder / "fresh", 0600);
  BOOST_REQUIRE(fresh.get() == used);
  files.write_all(used, "plain", folder / "fresh");
  BOOST_TEST(files.size(used, folder / "fresh") == 5u);
}

BOOST_AUTO_TEST_CASE(an_archive_that_goes_before_it_is_read_is_named) {
  const Folder folder;
  write_packed(folder / "log.0.zst", "text");
  log::ArchiveFiles files(fail);
  const auto packed = files.open_read(folder / "log.0");
  std::filesystem::remove(folder / "log.0.zst");
  std::array<char, 10> into;
  BOOST_CHECK_EXCEPTION(files.read_at(packed.get(), into, 0, folder / "log.0"), IoError,
                        [&](const IoError& error) {
                          return std::string(error.what()).find("log.0.zst") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_has_no_lines_to_read) {
  const Folder folder;
  base::SystemFiles files;
  BOOST_CHECK_THROW(log::LineReader(files, folder / "gone", 0), IoError);
}
