// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE base
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>

#include "base/decimal.h"
#include "base/files.h"
#include "base/text.h"

using manhattan::Decimal;
namespace base = manhattan::base;
namespace data = boost::unit_test::data;

struct DecimalCase {
  const char* text;
  const char* read;  // "" where it is no number
};
std::ostream& operator<<(std::ostream& out, const DecimalCase& c) {
  return out << '"' << c.text << '"';
}

const DecimalCase kDecimals[] = {
    {"0", "0"},
    {"-0", "0"},
    {"+3", "3"},
    {"007", "7"},
    {".5", "0.5"},
    {"5.", "5"},
    {"1e3", "1000"},
    {"1E-3", "0.001"},
    {"1e+2", "100"},
    {" 12.50\t", "12.5"},
    {"0.000001", "0.000001"},
    {"1234567.89", "1234567.89"},
    {"49999999999999999999999999999.999999999", "49999999999999999999999999999.999999999"},
    {"49999999999999999999999999999.9999999994", "49999999999999999999999999999.999999999"},
    {"49999999999999999999999999999.9999999995", ""},
    {"50000000000000000000000000000", ""},
    {"350000000000000000000000000000", ""},  // times ten is beyond 128 bits
    {"-1234567.890000001", "-1234567.890000001"},
    {"0.1234567894", "0.123456789"},
    {"0.0000000015", "0.000000002"},
    {"0.0000000025", "0.000000002"},
    {"0.00000000250001", "0.000000003"},
    {"0.9999999999", "1"},
    {"1e-400", "0"},
    {"0e999999999", "0"},
    {"0e99999999999999999999", "0"},
    {"1e-99999999999999999999", "0"},
    {"1e99999999999999999999", ""},
    {"1e+-99999999999999999999", ""},
    {"9999999999999999999999999999", "9999999999999999999999999999"},
    {"1e28", "10000000000000000000000000000"},
    {"1e29", ""},
    {"1e400", ""},
    {"", ""},
    {".", ""},
    {"-", ""},
    {"e5", ""},
    {"1e", ""},
    {"1e+-5", ""},
    {"1,50", ""},
    {"nan", ""},
    {"inf", ""},
    {"0x10", ""},
    {"1_000", ""},
    {"12 3", ""},
};

BOOST_DATA_TEST_CASE(decimals_read_exactly, data::make(kDecimals), c) {
  const auto decimal = Decimal::parse(c.text);
  BOOST_TEST((decimal ? decimal->to_string() : "") == c.read);
}

BOOST_AUTO_TEST_CASE(exponents_move_the_point_across_any_number_of_zeros) {
  const std::string zeros(20'000, '0');
  const auto small = Decimal::parse("0." + zeros + "1e20001");
  BOOST_TEST((small ? small->to_string() : "") == "1");
  const auto large = Decimal::parse("2" + zeros + "e-20000");
  BOOST_TEST((large ? large->to_string() : "") == "2");
}

BOOST_AUTO_TEST_CASE(tenths_add_up_without_drift) {
  Decimal sum;
  for (int i = 0; i < 1000; ++i) sum += *Decimal::parse("0.1");
  BOOST_TEST(sum.to_string() == "100");
}

BOOST_AUTO_TEST_CASE(sums_saturate_instead_of_wrapping) {
  Decimal sum = *Decimal::parse("4e28");
  sum += sum;
  sum += sum;
  BOOST_TEST(sum.to_string() ==
             "49999999999999999999999999999.999999999"
             "");
  BOOST_TEST((-sum + -sum).to_string() == "-" + sum.to_string());
}

BOOST_AUTO_TEST_CASE(double_of_a_decimal_is_the_nearest) {
  BOOST_TEST(Decimal::parse("1234567.89")->to_double() == 1234567.89);
  BOOST_TEST(Decimal::parse("0.1")->to_double() == 0.1);
}

struct Utf8Case {
  const char* says;
  std::string_view bytes;
  std::size_t length;
};
std::ostream& operator<<(std::ostream& out, const Utf8Case& c) { return out << c.says; }

const Utf8Case kUtf8[] = {
    {"ascii", "a", 1},
    {"two bytes", "\xc3\xa9", 2},
    {"three bytes", "\xe2\x82\xac", 3},
    {"four bytes", "\xf0\x9f\x98\x80", 4},
    {"nothing", "", 0},
    {"a lone continuation", "\x80", 0},
    {"overlong slash", "\xc0\xaf", 0},
    {"overlong three", "\xe0\x80\xaf", 0},
    {"a surrogate", "\xed\xa0\x80", 0},
    {"beyond U+10FFFF", "\xf4\x90\x80\x80", 0},
    {"cut short", "\xe2\x82", 0},
};

BOOST_DATA_TEST_CASE(utf8_length_knows_valid_characters, data::make(kUtf8), c) {
  BOOST_TEST(base::utf8_length(c.bytes) == c.length);
}

BOOST_AUTO_TEST_CASE(every_byte_has_its_two_hexadecimal_digits) {
  std::string bytes, digits;
  for (int byte = 0; byte < 256; ++byte) {
    bytes += static_cast<char>(byte);
    digits += "0123456789abcdef"[byte / 16];
    digits += "0123456789abcdef"[byte % 16];
    // Ending here, and alone.
    BOOST_REQUIRE_EQUAL(base::to_hex(bytes), digits);
    BOOST_REQUIRE_EQUAL(base::to_hex(bytes.substr(byte)), digits.substr(2 * byte));
  }
  BOOST_TEST(base::to_hex("") == "");
}

BOOST_AUTO_TEST_CASE(paths_split_into_folder_and_name) {
  BOOST_TEST(base::folder_of("/a/b") == "/a");
  BOOST_TEST(base::folder_of("/a") == "/");
  BOOST_TEST(base::folder_of("a") == ".");
  BOOST_TEST(base::name_of("/a/b") == "b");
  BOOST_TEST(base::name_of("b") == "b");
}
