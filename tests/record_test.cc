// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE record
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>
#include <random>

#include "base/text.h"
#include "record/escape.h"
#include "record/text_codec.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using record::Verdict;
namespace data = boost::unit_test::data;

namespace manhattan::record {
std::ostream& operator<<(std::ostream& out, Verdict verdict) {
  return out << '[' << reason_of(verdict) << ']';
}
}  // namespace manhattan::record

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  record::append_escaped(text, out);
  return out;
}

/// A record and what its views point into.
struct Decoded {
  std::string line, scratch;
  Record record;
  Verdict verdict;

  explicit Decoded(std::string text)
      : line(std::move(text)), verdict(record::decode(line, scratch, record)) {}
};

std::string random_text(std::mt19937_64& random) {
  static const char* const kPieces[] = {
      "a",    "Z9",   " ",   "\t",    "\n", "\\", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
      "\x7f", "\x01", "'\"", "\\x41", "  "};
  std::string text;
  for (auto n = random() % 12; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(escape_is_the_originals) {
  const auto original = tests::read_json("original.json");
  for (const auto& c : original["escape"]) {
    BOOST_TEST(escaped(c["text"].get<std::string>()) == c["line"].get<std::string>());
  }
}

BOOST_AUTO_TEST_CASE(a_special_byte_is_escaped_wherever_it_stands) {
  for (std::size_t i = 0; i < 80; ++i) {
    const std::string left(i / 2, '~'), right(i % 2 ? 9 : 0, ' ');
    for (const auto& [byte, text] : {std::pair{'\t', "\\t"},
                                     {'\\', "\\\\"},
                                     {'\x1f', "\\x1f"},
                                     {'\x7f', "\\x7f"},
                                     {'\xe9', "\\xe9"},
                                     {'[', "["}}) {
      BOOST_TEST(escaped(left + byte + right) == left + text + right);
    }
  }
}

BOOST_AUTO_TEST_CASE(unescape_is_the_originals_but_for_named_characters) {
  const auto original = tests::read_json("original.json");
  for (const auto& c : original["unescape"]) {
    const auto text = c[0].get<std::string>();
    if (text.find("\\N") != std::string::npos) continue;
    // The vector's text is Python's str: its characters are the file's bytes, read as latin-1.
    std::string field;
    for (std::size_t i = 0; i < text.size(); i += base::utf8_length(text.substr(i))) {
      const bool is_wide = base::utf8_length(text.substr(i)) == 2;
      field.push_back(is_wide ? static_cast<char>((text[i] << 6) | (text[i + 1] & 0x3f)) : text[i]);
    }
    std::string out;
    const bool is_good = record::append_unescaped(field, out) == record::Unescape::ok;
    BOOST_TEST(is_good == c[1].contains("ok"), text);
    if (is_good && c[1].contains("ok")) BOOST_TEST(out == c[1]["ok"].get<std::string>());
  }
}

BOOST_AUTO_TEST_CASE(named_characters_are_kept_as_written) {
  std::string out;
  BOOST_TEST((record::append_unescaped("\\N{BULLET}", out) == record::Unescape::ok));
  BOOST_TEST(out == "\\N{BULLET}");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_latin1) {
  BOOST_TEST(escaped("caf\xe9 \xff") == "caf\\xe9 \\xff");
}

BOOST_AUTO_TEST_CASE(blanks_belong_to_names_and_line_ends_do_not) {
  const Decoded goal("1\tgoal\t1\tv\t1\tname  \t\t\t\n");
  BOOST_TEST(goal.verdict == Verdict::ok);
  BOOST_TEST(std::get<Goal>(goal.record.event).name == "name  ");
  const Decoded split("1\tsplit\t1\tv\t1\tt\t A \n");
  BOOST_TEST(std::get<Split>(split.record.event).population == " A ");
  BOOST_TEST(Decoded("1\tpixel\t1\tv\t1\r\n").verdict == Verdict::ok);
}

BOOST_AUTO_TEST_CASE(a_blank_at_a_lines_end_survives_readers_that_strip_it) {
  std::string line;
  record::encode({UnixNanos{}, "v", 1, Split{"t", "A "}}, line);
  BOOST_TEST(line.ends_with("\tA\\x20\n"));
  BOOST_TEST(std::get<Split>(Decoded(line).record.event).population == "A ");
}

BOOST_AUTO_TEST_CASE(times_before_1970_are_written_as_they_are_read) {
  for (const std::string at : {"-1385000001.1234", "-0.5000", "-1.0000", "0.0000", "0.9999"}) {
    std::string scratch, line;
    Record record;
    const auto text = "1\tpixel\t" + at + "\tv\t1\n";
    BOOST_TEST((record::decode(text, scratch, record) == Verdict::ok));
    record::encode(record, line);
    BOOST_TEST(line == text);
  }
}

BOOST_AUTO_TEST_CASE(a_page_line_is_the_originals) {
  std::string line;
  record::encode({UnixNanos(std::chrono::nanoseconds(1356876475826799999)), "abc", 1,
                  Page{.ip = "1.2.3.4",
                       .method = "GET",
                       .url = "http://x/\xe2\x82\xac",
                       .user_agent = "M",
                       .referrer = ""}},
                 line);
  BOOST_TEST(line == "1\tpage\t1356876475.8267\tabc\t1\t1.2.3.4\tGET\thttp://x/\\u20ac\tM\t\n");
}

BOOST_AUTO_TEST_CASE(generated_records_come_back_as_they_went) {
  std::mt19937_64 random(tests::seed());
  for (int i = 0; i < 2000; ++i) {
    const auto name = "n" + random_text(random), population = random_text(random);
    const UnixNanos at(std::chrono::microseconds(random() % 4'000'000'000'000'000 / 100 * 100));
    std::string line;
    record::encode({at, name, 7, Split{name, population}}, line);
    const Decoded split(line);
    BOOST_REQUIRE(split.verdict == Verdict::ok);
    BOOST_TEST((split.record.at == at));
    BOOST_TEST(split.record.visitor == name);
    BOOST_TEST(std::get<Split>(split.record.event).name == name);
    BOOST_TEST(std::get<Split>(split.record.event).population == population);
    const auto value = Decimal::from_units(static_cast<std::int64_t>(random()));
    line.clear();
    record::encode({at, "v", 0, Goal{name, value, ValueType::average, ValueFormat::percent}}, line);
    const Decoded goal(line);
    BOOST_TEST(std::get<Goal>(goal.record.event).name == name);
    BOOST_TEST((std::get<Goal>(goal.record.event).value == value));
  }
}

struct BadLine {
  const char* line;
  Verdict verdict;
};
std::ostream& operator<<(std::ostream& out, const BadLine& c) { return out << c.line; }

const BadLine kBadLines[] = {
    {"", Verdict::bad_version},
    {"2\tpixel\t1\tv\t1", Verdict::bad_version},
    {"1\tnothing\t1\tv\t1", Verdict::bad_kind},
    {"1", Verdict::bad_kind},
    {"1\tpixel", Verdict::bad_timestamp},
    {"1\tpixel\tnan\tv\t1", Verdict::bad_timestamp},
    {"1\tpixel\t1e300\tv\t1", Verdict::bad_timestamp},
    {"1\tpixel\t99999999999\tv\t1", Verdict::bad_timestamp},
    {"1\tpixel\t9999999999.999999999\tv\t1", Verdict::bad_timestamp},
    {"1\tpixel\t.\tv\t1", Verdict::bad_timestamp},
    {"1\tpixel\t1\t\t1", Verdict::bad_visitor},
    {"1\tpixel\t1\tv\tshop", Verdict::bad_site},
    {"1\tpixel\t1\tv\t-1", Verdict::bad_site},
    {"1\tpixel\t1\tv\t99999999999", Verdict::bad_site},
    {"1\tpixel\t1\tv", Verdict::bad_site},
    {"1\tgoal\t1\tv\t1", Verdict::missing_field},
    {"1\tsplit\t1\tv\t1", Verdict::missing_field},
    {"1\tgoal\t1\tv\t1\tg\t1,50", Verdict::bad_value},
    {"1\tgoal\t1\tv\t1\tg\tnan", Verdict::bad_value},
    {"1\tgoal\t1\tv\t1\tbad\\x4", Verdict::bad_escape},
    {"1\tgoal\t1\tv\\\t1\tgood", Verdict::bad_escape},
    {"1\tpixel\t1\t\\x4\t1", Verdict::bad_escape},
    {"1\tpixel\t1\t\\x4\tshop", Verdict::bad_site},
    {"1\tpage\t1\t\t1\t\\x4", Verdict::bad_visitor},
    {"1\tsplit\t1\tv\t1\t\t\\x4", Verdict::bad_escape},
};

BOOST_DATA_TEST_CASE(a_bad_line_says_why, data::make(kBadLines), c) {
  BOOST_TEST(Decoded(c.line).verdict == c.verdict);
}

BOOST_AUTO_TEST_CASE(only_a_filler_that_stands_there_as_it_is_was_forgotten) {
  BOOST_TEST(Decoded("1\tpixel\t0\t##\t0").verdict == Verdict::forgotten);
  BOOST_TEST(Decoded("1\tpixel\t0\t\\x23\t0").verdict == Verdict::ok);
}

BOOST_AUTO_TEST_CASE(fields_beyond_those_known_are_ignored) {
  const Decoded pixel("1\tpixel\t1\tv\t1\tx\ty\tz\t" + std::string(100, '\t') + "q");
  BOOST_TEST(pixel.verdict == Verdict::ok);
}

BOOST_AUTO_TEST_CASE(later_fields_of_a_page_are_read) {
  const Decoded page("1\tpage\t1.5\tv\t0\tip\tGET\tu\ta\tr\t200\t1500\t42\tHost: x");
  const auto& event = std::get<Page>(page.record.event);
  BOOST_TEST(event.status.value() == 200);
  BOOST_TEST(event.duration_us.value() == 1500);
  BOOST_TEST(event.response_bytes.value() == 42);
  BOOST_TEST(event.headers == "Host: x");
}

BOOST_AUTO_TEST_CASE(a_long_name_is_cut_at_a_character_and_stays_its_own) {
  std::string storage_a, storage_b, long_a, long_b;
  for (int i = 0; i < 600; ++i) long_a += "\xc3\xa9";
  long_b = long_a + "!";
  const auto a = record::fit_name(long_a, storage_a), b = record::fit_name(long_b, storage_b);
  BOOST_TEST(a.size() <= 1000u);
  BOOST_TEST(base::is_utf8(a));
  BOOST_TEST(a != b);
  BOOST_TEST(record::fit_name(a, storage_b) == a);
  for (const auto cut : {std::string_view(long_a), a, b}) BOOST_TEST(record::is_cut(cut));
  const std::string longest(1000, 'n'), tilde = std::string(983, 'n') + "~not sixteen hex";
  for (const auto& whole : {longest, tilde, "~" + std::string(16, '0')}) {
    BOOST_TEST(!record::is_cut(whole));
  }
}

BOOST_AUTO_TEST_CASE(the_longest_record_fits_a_ring_frame) {
  const std::string most(100'000, '\x01');
  std::string line;
  record::encode({UnixNanos{}, most, 1, Page{most, most, most, most, most, 200, 1, 1, most}}, line);
  BOOST_TEST(line.size() < 65536u);
  BOOST_TEST(Decoded(line).verdict == Verdict::ok);
}
