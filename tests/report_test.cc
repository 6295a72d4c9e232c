// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE report
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "report/bars.h"
#include "report/numbers.h"
#include "report/plot.h"
#include "report/prometheus.h"
#include "report/table.h"
#include "report/width.h"

using namespace manhattan::report;
using Kind = Column::Kind;

namespace {

const Table kTable{{{"goal"}, {"visitors", Kind::number}, {"rate", Kind::ratio}},
                   {{"pie accomplished", "12", "0.05"}, {"目標 🎯", "1234567.890000001", ""}}};

Table one_cell(const std::string& text) { return {{{"name"}}, {{text}}}; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_table_is_aligned_by_what_a_terminal_shows) {
  BOOST_TEST(render(kTable, {}) ==
             "goal                       visitors   rate\n"
             "pie accomplished                 12  5.00%\n"
             "目標 🎯           1234567.890000001\n");
}

BOOST_AUTO_TEST_CASE(a_table_fits_the_terminal_by_clipping_text_never_numbers) {
  BOOST_TEST(render(kTable, {.width = 36}) ==
             "goal                 visitors   rate\n"
             "pie accom…                 12  5.00%\n"
             "目標 🎯     1234567.890000001\n");
}

BOOST_AUTO_TEST_CASE(where_a_row_finds_no_room_its_cells_stand_one_below_the_other) {
  BOOST_TEST(render(kTable, {.width = 30, .has_colour = true}) ==
             "\x1b[1mgoal      pie accomplished\x1b[0m\n"
             "visitors  12\n"
             "rate      5.00%\n"
             "\n"
             "\x1b[1mgoal      目標 🎯\x1b[0m\n"
             "visitors  1234567.890000001\n");
  const auto narrow = render(kTable, {.width = 1});
  BOOST_TEST(narrow.find("pie acc…") != std::string::npos);
  BOOST_TEST(narrow.find("1234567.890000001") != std::string::npos);
  BOOST_TEST(render({kTable.columns, {}}, {.width = 10}) == "goal  visitors  rate\n");
}

BOOST_AUTO_TEST_CASE(sentences_are_divided_between_words_only) {
  const std::string sentence = "Nothing  is shown of '目標 🎯' yet: unbelievably.";
  BOOST_TEST(wrapped(sentence, 0) == sentence);
  BOOST_TEST(wrapped(sentence, 80) == sentence);
  BOOST_TEST(wrapped(sentence, 27) == "Nothing  is shown of '目標\n🎯' yet: unbelievably.");
  BOOST_TEST(wrapped(sentence, 26) == "Nothing  is shown of '目標\n🎯' yet: unbelievably.");
  BOOST_TEST(wrapped(sentence, 25) == "Nothing  is shown of\n'目標 🎯' yet:\nunbelievably.");
  BOOST_TEST(wrapped("unbelievably", 3) == "unbelievably");
  BOOST_TEST(wrapped("", 3) == "");
}

BOOST_AUTO_TEST_CASE(colour_is_there_only_when_asked_for) {
  BOOST_TEST(render(kTable, {}).find('\x1b') == std::string::npos);
  BOOST_TEST(render(kTable, {.has_colour = true}).rfind("\x1b[1mgoal", 0) == 0u);
}

BOOST_AUTO_TEST_CASE(no_name_can_command_the_terminal) {
  BOOST_TEST(printable("a\nb\tc\x1b[31m\x7f") == "a\\nb\\tc\\x1b[31m\\x7f");
  BOOST_TEST(printable("\xc2\x9b"
                       "31m") == "\\x9b31m");  // C1: CSI in one character
  BOOST_TEST(printable("\xe2\x80\xae"
                       "abc") == "\\u202eabc");           // right-to-left override
  BOOST_TEST(printable("caf\xe9") == "caf\xef\xbf\xbd");  // latin-1
  BOOST_TEST(printable(std::string_view("\0x", 2)) == "\\x00x");
  BOOST_TEST(printable("naïve 目標 🎯 \\") == "naïve 目標 🎯 \\");
}

BOOST_AUTO_TEST_CASE(every_byte_pair_becomes_printable_text) {
  for (int high = 0; high < 256; ++high) {
    for (int low = 0; low < 256; ++low) {
      const std::string bytes = {static_cast<char>(high), static_cast<char>(low)};
      const auto text = printable(bytes);
      BOOST_REQUIRE(manhattan::base::is_utf8(text));
      BOOST_REQUIRE(text.find_first_of(std::string("\0\n\t\x1b", 4)) == std::string::npos);
      BOOST_REQUIRE(width_of(clipped(text, 3)) <= 3u);
    }
  }
}

BOOST_AUTO_TEST_CASE(width_counts_columns) {
  BOOST_TEST(width_of("") == 0u);
  BOOST_TEST(width_of("abc") == 3u);
  BOOST_TEST(width_of("目標") == 4u);
  BOOST_TEST(width_of("🎯") == 2u);
  BOOST_TEST(width_of("e\xcc\x81") == 1u);  // e and a combining acute
  BOOST_TEST(clipped("目標目標", 4) == "目…");
  BOOST_TEST(clipped("abc", 3) == "abc");
}

BOOST_AUTO_TEST_CASE(tsv_keeps_a_row_on_its_line) {
  BOOST_TEST(render(one_cell("a\tb\nc\rd\\e"), {.format = Format::tsv}) == "a\\tb\\nc\\rd\\\\e\n");
  BOOST_TEST(render(kTable, {.format = Format::tsv}) ==
             "pie accomplished\t12\t0.05\n目標 🎯\t1234567.890000001\t\n");
}

BOOST_AUTO_TEST_CASE(csv_quotes_what_would_break_it) {
  BOOST_TEST(render(one_cell("a,\"b\"\nc"), {.format = Format::csv}) ==
             "name\n\"a,\"\"b\"\"\nc\"\n");
  BOOST_TEST(render(one_cell("plain text"), {.format = Format::csv}) == "name\nplain text\n");
}

BOOST_AUTO_TEST_CASE(no_cell_commands_a_terminal_or_runs_in_a_spreadsheet) {
  const auto tsv = [](const std::string& cell) {
    return render(one_cell(cell), {.format = Format::tsv});
  };
  const auto csv = [](const std::string& cell) {
    return render(one_cell(cell), {.format = Format::csv}).substr(5);
  };
  BOOST_TEST(tsv("=HYPERLINK(\"x\")\x1b[2J") == "\\x3dHYPERLINK(\"x\")\\x1b[2J\n");
  BOOST_TEST(csv("=HYPERLINK(\"x\")\x1b[2J") == "\"'=HYPERLINK(\"\"x\"\")\\x1b[2J\"\n");
  for (const auto* formula : {"@SUM(A1)", "+1+cmd|' /C calc'!A0", "-2+3", "=1"}) {
    BOOST_TEST(tsv(formula)[0] == '\\');
    BOOST_TEST(csv(formula)[0] == '\'');
  }
  BOOST_TEST(tsv("＝1") == "\\uff1d1\n");
  BOOST_TEST(csv("\t=1") == "\\t=1\n");
  BOOST_TEST(csv("a\r\nb") == "\"a\\r\nb\"\n");
  for (const auto* number : {"-5", "+0.25", "-1e-300", "1-2", "a=b", "-", ""}) {
    BOOST_TEST(tsv(number) == number + std::string("\n"));
    BOOST_TEST(csv(number) == number + std::string("\n"));
  }
  const std::string harsh = "\xc2\x9b\x7f\xe2\x80\xae é";
  BOOST_TEST(json_text(harsh) == "\"\\u009b\\u007f\\u202e é\"");
  BOOST_TEST(nlohmann::json::parse(json_text(harsh)) == harsh);
}

BOOST_AUTO_TEST_CASE(json_keeps_every_digit_and_every_character) {
  const auto text = render(kTable, {.format = Format::json});
  BOOST_TEST(text.find("1234567.890000001") != std::string::npos);
  const auto rows = nlohmann::json::parse(text);
  BOOST_TEST(rows[0]["rate"] == 0.05);
  BOOST_TEST(rows[1]["goal"] == "目標 🎯");
  BOOST_TEST(rows[1]["rate"].is_null());
  const std::string harsh = "\"\\\n\t\x01 \xc2\x85 end";
  BOOST_TEST(nlohmann::json::parse(render(one_cell(harsh), {.format = Format::json}))[0]["name"] ==
             harsh);
  BOOST_TEST(render({{{"x"}}, {}}, {.format = Format::json}) == "[]\n");
}

BOOST_AUTO_TEST_CASE(one_number_stands_alone_for_scripts) {
  const auto shown = [](Format format) { return render_number("count", "5", {.format = format}); };
  BOOST_TEST(shown(Format::table) == "5\n");
  BOOST_TEST(shown(Format::tsv) == "5\n");
  BOOST_TEST(shown(Format::csv) == "count\n5\n");
  BOOST_TEST(shown(Format::json) == "{\"count\": 5}\n");
}

BOOST_AUTO_TEST_CASE(times_are_dates_for_eyes_and_seconds_for_programs) {
  const Table table{{{"first", Kind::time}}, {{"1479747600"}, {"99999999999999999"}}};
  const auto shown = render(table, {});
  BOOST_TEST(shown.find("2016-11-21 17:00:00Z\n") != std::string::npos);
  BOOST_TEST(shown.find("99999999999999999\n") != std::string::npos);  // no year of ours
  BOOST_TEST(render(table, {.format = Format::tsv}) == "1479747600\n99999999999999999\n");
}

BOOST_AUTO_TEST_CASE(formats_have_names) {
  BOOST_CHECK(format_of("table") == Format::table);
  BOOST_CHECK(format_of("tsv") == Format::tsv);
  BOOST_CHECK(format_of("csv") == Format::csv);
  BOOST_CHECK(format_of("json") == Format::json);
  BOOST_CHECK(format_of("prometheus") == Format::prometheus);
  BOOST_CHECK_THROW(format_of("xml"), manhattan::ConfigError);
}

BOOST_AUTO_TEST_CASE(a_plot_has_bars_and_axes) {
  const auto drawn = plot("sale", {{"2026-11-20", 3}, {"2026-11-21", 0}, {"2026-11-22", 10}}, 30);
  BOOST_TEST(drawn.starts_with("sale\n10 ┤⠀"));
  BOOST_TEST(drawn.find(" 5 ┤") != std::string::npos);
  BOOST_TEST(drawn.find("\n 0 └─") != std::string::npos);
  BOOST_TEST(drawn.find("2026-11-20") != std::string::npos);
  BOOST_TEST(plot("sale", {}, 80) == "sale: nothing to draw\n");
  BOOST_TEST(plot("a\x1b", {{"b", 0}}, 80) == "a\\x1b: nothing to draw\n");
}

BOOST_AUTO_TEST_CASE(a_plot_is_never_wider_than_the_terminal) {
  for (const std::size_t width : {30, 80, 200}) {
    for (const std::size_t count : {1, 2, 7, 100, 1000}) {
      std::vector<PlotPoint> points;
      for (std::size_t i = 0; i < count; ++i) {
        points.push_back({std::to_string(1000 + i), static_cast<double>(i * i)});
      }
      const auto drawn = plot("x", points, width);
      for (std::size_t at = 0; at < drawn.size();) {
        const auto end = drawn.find('\n', at);
        BOOST_TEST(width_of(drawn.substr(at, end - at)) <= width);
        at = end + 1;
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(bars_are_as_long_as_their_numbers) {
  const std::vector<PlotPoint> points{{"/pie", 1000}, {"", 500}, {"目標\n", 1}, {"/none", 0}};
  BOOST_TEST(bars("paths", points, 36) ==
             "paths\n"
             "/pie   ███████████████████████ 1,000\n"
             "(none) ███████████▌ 500\n"
             "目標\\n ▏ 1\n"
             "/none   0\n");
  BOOST_TEST(bars("paths", {}, 80) == "paths: nothing to draw\n");
}

namespace {

using Interval = manhattan::stats::Interval;

const std::vector<std::string> kArms{"a", "目", "none", "point"};
const Panel kRates{
    "rate", {0, 10},      "0%",
    "10%",  std::nullopt, {{Interval{0, 10}, 5}, {Interval{2, 4}, 3}, {}, {Interval{10, 10}, 10}}};
const Panel kLifts{
    "lift",  {-1, 1},
    "-100%", "+100%",
    0,       {{}, {Interval{-0.5, 0.5}, 0.2}, {Interval{-1, -0.8}, -0.9}, {Interval{0, 1}, 0}}};

}  // namespace

BOOST_AUTO_TEST_CASE(ranges_share_an_axis) {
  BOOST_TEST(ranges(kArms, {kRates}, 30) ==
             "       rate\n"
             "       0%                  10%\n"
             "a      ├──────────●──────────┤\n"
             "目         ├──●─┤\n"
             "none\n"
             "point                        ●\n");
}

BOOST_AUTO_TEST_CASE(the_mark_stands_in_every_line_of_its_panel) {
  BOOST_TEST(ranges(kArms, {kLifts}, 30) ==
             "       lift\n"
             "       -100%      0      +100%\n"
             "a                 │\n"
             "目           ├────┼─●───┤\n"
             "none   ├●┤        │\n"
             "point             ●──────────┤\n");
  auto above = kLifts;
  above.ends = {0, 1};
  above.low = "0.0%";
  above.lines = {{}, {Interval{0.5, 1}, 0.8}, {}, {}};
  BOOST_TEST(ranges(kArms, {above}, 30) ==
             "       lift\n"
             "       0.0%              +100%\n"
             "a      │\n"
             "目     │          ├──────●───┤\n"
             "none   │\n"
             "point  │\n");
}

BOOST_AUTO_TEST_CASE(panels_stand_side_by_side_where_there_is_room) {
  BOOST_TEST(ranges(kArms, {kRates, kLifts}, 57) ==
             "       rate                      lift\n"
             "       0%                   10%  -100%       0      +100%\n"
             "a      ├───────────●──────────┤              │\n"
             "目          ├─●─┤                      ├─────┼─●──┤\n"
             "none                             ├●┤         │\n"
             "point                         ●              ●──────────┤\n");
  BOOST_TEST(ranges(kArms, {kRates, kLifts}, 56) ==
             ranges(kArms, {kRates}, 56) + ranges(kArms, {kLifts}, 56));
  BOOST_TEST(ranges(kArms, {kRates, kLifts}, 20) == "");
}

BOOST_AUTO_TEST_CASE(nothing_drawn_is_wider_than_the_terminal) {
  const std::vector<PlotPoint> points{{std::string(200, 'x'), 123456789}, {"🎯", 1}};
  auto names = kArms;
  names[0] = std::string(200, 'x');
  for (std::size_t width = 30; width < 200; ++width) {
    const auto drawn = bars("t", points, width) + ranges(names, {kRates, kLifts}, width);
    for (const auto line : manhattan::base::split(drawn, '\n')) {
      BOOST_TEST(width_of(line) <= width);
    }
  }
}

BOOST_AUTO_TEST_CASE(prometheus_reads_numbers_by_name_in_seconds) {
  BOOST_TEST(prometheus_text(
                 {{"version", "0\"1\\\n"}},
                 {{"odd name\n", 1}, {"odd_name_", 2}, {"behind_ms", 1500}, {"flush_us", 250}}) ==
             "# HELP manhattan_info Versions of the server and its formats.\n"
             "# TYPE manhattan_info gauge\nmanhattan_info{version=\"0\\\"1\\\\\\n\"} 1\n"
             "# HELP manhattan_behind_seconds A tally of manhattan-query(5).\n"
             "# TYPE manhattan_behind_seconds gauge\nmanhattan_behind_seconds 1.5\n"
             "# HELP manhattan_flush_seconds A tally of manhattan-query(5).\n"
             "# TYPE manhattan_flush_seconds gauge\nmanhattan_flush_seconds 0.00025\n"
             "# HELP manhattan_odd_name_ A tally of manhattan-query(5).\n"
             "# TYPE manhattan_odd_name_ gauge\nmanhattan_odd_name_ 1\n");
  BOOST_CHECK_THROW(render(kTable, {.format = Format::prometheus}), manhattan::ConfigError);
}
