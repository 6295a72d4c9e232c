// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE query_completion
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "bin/query_completion.h"

using namespace manhattan::program;
using Names = std::vector<std::string>;

namespace {

const KnownNames kNames{{"compare", "count", "results"},
                        {"--variant", "--value"},
                        [] {
                          return Names{"Order Placed", "Order Paid", "sale", "evil\x1b"};
                        },
                        [] { return Names{"Blue Button"}; }};

struct LineCase {
  const char* line;
  std::size_t start;
  Names words;
};
std::ostream& operator<<(std::ostream& out, const LineCase& c) { return out << c.line; }

const LineCase kLines[] = {
    {"", 0, {"compare", "count", "results"}},
    {"cou", 0, {"count"}},
    {"count ", 6, {"\"Order Placed\"", "\"Order Paid\"", "sale"}},
    {"count s", 6, {"sale"}},
    {"count \"Order P", 6, {"\"Order Placed\"", "\"Order Paid\""}},
    {"count 'Order Pl", 6, {"'Order Placed'"}},
    {"count Order\\ Pa", 6, {"\"Order Paid\""}},
    {"count e", 6, {}},
    {"count --va", 6, {"--variant", "--value"}},
    {"count sale --variant B", 21, {"\"Blue Button=\""}},
    {"results ", 8, {"\"Blue Button\""}},
    {"results \"Blue Button\" s", 22, {"sale"}},
    {"compare ", 8, {}},
};

}  // namespace

BOOST_DATA_TEST_CASE(half_a_line_becomes_a_whole_one, boost::unit_test::data::make(kLines), c) {
  const auto found = complete(c.line, kNames);
  BOOST_TEST(found.start == c.start);
  BOOST_TEST(found.words == c.words, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_the_shell_would_divide_is_quoted) {
  BOOST_TEST(quoted("sale") == "sale");
  BOOST_TEST(quoted("a \"b\" \\c") == "\"a \\\"b\\\" \\\\c\"");
  BOOST_TEST(quoted("") == "\"\"");
}

namespace {

struct WordsCase {
  const char* line;
  Names words;
};
std::ostream& operator<<(std::ostream& out, const WordsCase& c) { return out << c.line; }

const WordsCase kWords[] = {
    {"", {}},
    {"  count\tsale ", {"count", "sale"}},
    {"count \"Order Placed\" --site 1", {"count", "Order Placed", "--site", "1"}},
    {R"(a\ b 'c d'"e f" "")", {"a b", "c de f", ""}},
    {R"("a\"b\\c\nd" 'a\nb' 'it'\''s' c\\d)", {R"(a"b\c\nd)", R"(a\nb)", "it's", R"(c\d)"}},
    {"🎯 'x\ty'", {"🎯", "x\ty"}},
};

}  // namespace

BOOST_DATA_TEST_CASE(a_line_is_divided_as_by_a_shell, boost::unit_test::data::make(kWords), c) {
  BOOST_TEST(split_words(c.line) == c.words, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_quoted_is_read_back) {
  for (const std::string word : {"", "a b", "it's", "\"", "\\", "$x `y`", "a\\\"b'", "\t\n"}) {
    for (const char quote : {'\0', '"', '\''})
      BOOST_TEST(split_words(quoted(word, quote)) == Names{word}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_ends_within_a_quote_is_refused) {
  for (const char* line : {"count \"sale", "count 'it's' more", "count sale\\", "\""})
    BOOST_CHECK_THROW(split_words(line), manhattan::ConfigError);
}
