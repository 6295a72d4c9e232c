// SPDX-License-Identifier: MIT
// The corpus of the fuzz targets: samples of each kind of bytes, and what fuzzing has found.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE fuzz
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/files.h"
#include "tests/fuzz/targets.h"

namespace {

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const auto& [name, target] : manhattan::fuzz::targets()) names.push_back(name);
  return names;
}

}  // namespace

BOOST_DATA_TEST_CASE(corpus_holds, boost::unit_test::data::make(names()), name) {
  const auto& target = manhattan::fuzz::targets().at(name);
  const std::filesystem::path folder = "tests/fuzz/corpus/" + name;
  int samples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    BOOST_TEST_CONTEXT(entry.path().string()) {
      const auto bytes = manhattan::base::read_file(entry.path().string());
      BOOST_CHECK_NO_THROW(target(bytes));
      // Every cut as well: where it ends is where a reader may go too far.
      for (std::size_t size = 0; size < bytes.size() && size < 500; ++size) {
        BOOST_CHECK_NO_THROW(target(std::string_view(bytes).substr(0, size)));
      }
    }
    ++samples;
  }
  BOOST_TEST(samples > 0);
}
