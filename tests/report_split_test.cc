// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE report_split
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/text.h"
#include "report/conclusion.h"
#include "report/numbers.h"
#include "report/page.h"
#include "report/split_text.h"
#include "report/width.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::report;
using nlohmann::json;

namespace {

json goal(const std::string& name, std::int64_t conversions) {
  return {{"goal", name},
          {"value_type", ""},
          {"conversions", conversions},
          {"sum", "0"},
          {"value", std::to_string(conversions)}};
}

json population(const std::string& name, std::int64_t visitors, json goals) {
  return {{"population", name}, {"visitors", visitors}, {"goals", std::move(goals)}};
}

json answer(json populations) {
  return {{"populations", std::move(populations)}, {"left_out", {{"visitor_without_pixel", 7}}}};
}

/// Two populations and one goal.
json two(std::int64_t xa, std::int64_t na, std::int64_t xb, std::int64_t nb) {
  return answer(
      {population("True", nb, {goal("sale", xb)}), population("false", na, {goal("sale", xa)})});
}

SplitAnalysis judged(const json& answer, const AnalysisOptions& options = {}) {
  return analyse(read_split("button", answer), options);
}

const ArmAnalysis& arm(const SplitAnalysis& analysis) { return analysis.goals[0].arms[0]; }

std::string verdict(const SplitAnalysis& analysis) {
  return shown(verdict_of(analysis, arm(analysis)));
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_control_is_named_or_known_never_the_second_best) {
  BOOST_TEST(judged(two(1, 10, 2, 10)).control == 1u);
  BOOST_TEST(judged(two(1, 10, 2, 10), {.control = "True"}).control == 0u);
  const auto three =
      answer({population("a", 5, json::array()), population("Control", 5, json::array()),
              population("false", 5, json::array())});
  BOOST_TEST(judged(three).control == 1u);
  BOOST_CHECK_EXCEPTION(judged(three, {.control = "b"}), ConfigError, [](const auto& error) {
    return error.what() == std::string("control 'b' is no population of 'button'");
  });
  BOOST_CHECK_THROW(judged(three, {.weights = {1, 1}}), ConfigError);
}

BOOST_AUTO_TEST_CASE(a_split_that_nobody_saw_has_no_statistics) {
  const auto nobody = judged(answer(json::array()));
  BOOST_TEST(nobody.goals.empty());
  BOOST_TEST(split_rows(nobody).rows.empty());
  BOOST_TEST(has(split_text(nobody, {}), "left out: 7 visitors"));
  const auto goalless = split_rows(judged(answer({population("a", 5, json::array())})));
  BOOST_REQUIRE(goalless.rows.size() == 1u);
  BOOST_TEST(goalless.rows[0][0] == "a");
  BOOST_TEST(goalless.rows[0][2] == "5");
  const auto empty = judged(two(0, 0, 0, 0));
  BOOST_TEST(!arm(empty).comparison.has_value());
  BOOST_TEST(has(split_text(empty, {}), "not enough data"));
}

BOOST_AUTO_TEST_CASE(p_interval_and_lift_are_of_one_mind_about_zero) {
  std::mt19937_64 random(tests::seed());
  const auto number = [&](std::int64_t most) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + 1));
  };
  for (int i = 0; i < 3000; ++i) {
    const auto most = i % 3 == 0 ? 30 : i % 3 == 1 ? 400 : 100'000;
    const stats::Proportion a{1 + number(most), 0}, b{1 + number(most), 0};
    const stats::Proportion pa{a.n, number(a.n)}, pb{b.n, number(b.n)};
    const auto c = stats::compare(pa, pb, {});
    BOOST_TEST_CONTEXT(pa.x << '/' << pa.n << ' ' << pb.x << '/' << pb.n) {
      const bool is_shown = c.p_value < 0.05;
      BOOST_REQUIRE(c.interval.has_value());
      BOOST_TEST(is_shown == !c.interval->contains(0));
      if (c.lift_interval) BOOST_TEST(is_shown == !c.lift_interval->contains(0));
      if (!c.sequential) continue;
      const bool is_shown_early = c.sequential->p_value < 0.05;
      BOOST_TEST(is_shown_early == !c.sequential->interval.contains(0));
      if (c.sequential_lift) BOOST_TEST(is_shown_early == !c.sequential_lift->contains(0));
      BOOST_TEST((is_shown || !is_shown_early));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_verdict_needs_a_plan_or_the_sequence) {
  BOOST_TEST(verdict(judged(two(500, 10'000, 560, 10'000))) == "go on");
  BOOST_TEST(verdict(judged(two(500, 10'000, 575, 10'000))) == "if over");
  BOOST_TEST(verdict(judged(two(500, 10'000, 575, 10'000), {.planned = 30'000})) == "too early");
  BOOST_TEST(verdict(judged(two(500, 10'000, 575, 10'000), {.planned = 20'000})) == "better");
  BOOST_TEST(verdict(judged(two(575, 10'000, 500, 10'000), {.planned = 20'000})) == "worse");
  BOOST_TEST(verdict(judged(two(500, 10'000, 520, 10'000), {.planned = 20'000})) ==
             "no difference");
  BOOST_TEST(verdict(judged(two(500, 10'000, 800, 10'000))) == "better");
}

BOOST_AUTO_TEST_CASE(lifts_are_drawn_beside_their_rates_with_zero_marked) {
  const auto text = split_text(judged(two(500, 10000, 560, 10000)), {.width = 80});
  BOOST_TEST(has(text,
                 "       rate                                 lift\n"
                 "       4.52%                         6.14%  -0.4%                        +26.0%\n"
                 "True                 ├────────●────────┤    ├┼──────────────●─────────────────┤\n"
                 "false    ├───────●────────┤                  │\n"));
  const auto none = split_text(judged(two(0, 100, 5, 100)), {.width = 80});
  BOOST_TEST((has(none, "rate\n") && !has(none, "lift\n")));  // of nothing, no part can be said
  BOOST_TEST(!has(split_text(judged(two(500, 10000, 560, 10000)), {.width = 20}), "●"));
  const auto ends = axis_of(judged(two(0, 1, 1, 1)).goals[0]);
  BOOST_TEST((ends == stats::Interval{0, 1}));  // no rate is beyond
}

BOOST_AUTO_TEST_CASE(no_line_is_wider_than_the_terminal_and_nothing_is_left_out) {
  auto shop = two(500, 10'000'000, 560, 9'000'000);
  for (auto& arm : shop["populations"]) {
    auto spent = goal("Order Placed on a Sunday", 17);
    spent.merge_patch({{"value_type", "S"}, {"sum", "12345.5"}, {"squares", "98765432.25"}});
    arm["goals"].push_back(spent);
  }
  const auto analysis = judged(shop);
  BOOST_REQUIRE(analysis.goals.size() == 3u);  // the sums are judged, too
  const auto wide = split_text(analysis, {});
  for (const std::size_t width : {40, 60, 80, 120, 300}) {
    BOOST_TEST_CONTEXT(width << " columns") {
      const auto text = split_text(analysis, {.width = width});
      for (const auto line : base::split(text, '\n')) BOOST_TEST(width_of(line) <= width);
      // Cells, which have two blanks or a line's ends beside them.
      for (const auto* cell : {"difference any time", "converted", "10,000,000", "go on", "p Holm"})
        BOOST_TEST((has(wide, cell) && has(text, cell)), cell);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_narrow_terminal_shows_a_population_a_block) {
  const auto text = split_text(judged(two(500, 10000, 560, 10000)), {.width = 40});
  BOOST_TEST(has(text,
                 "population    True\n"
                 "visitors      10,000\n"
                 "converted     560\n"
                 "rate          5.60%\n"
                 "95% interval  5.17% to 6.07%\n"
                 "lift          +12.0%\n"
                 "95% interval  -0.4% to +26.0%\n"
                 "\n"
                 "population    false\n"));
  BOOST_TEST(has(text,
                 "population           false\n"
                 "best                 2.9%\n"
                 "loss                 0.603%\n"
                 "\n"));
}

BOOST_AUTO_TEST_CASE(several_goals_are_adjusted_by_holm) {
  const auto one = judged(two(500, 10'000, 575, 10'000));
  const auto of = [](std::int64_t x) { return json{goal("sale", x), goal("other", 100)}; };
  const auto both =
      judged(answer({population("True", 10'000, of(575)), population("False", 10'000, of(500))}));
  BOOST_TEST(*arm(both).holm_p == 2 * *arm(one).holm_p, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(*arm(one).holm_p == arm(one).comparison->p_value);
}

BOOST_AUTO_TEST_CASE(a_conclusion_says_how_long_to_go_on) {
  auto running = two(500, 10'000, 560, 10'000);
  running["first"] = 1'000'000;
  running["last"] = 1'000'000 + 10 * 86'400;
  const auto sentence = [&](const AnalysisOptions& options) {
    const auto analysis = judged(running, options);
    return conclusion(analysis, analysis.goals[0], 0);
  };
  BOOST_TEST(
      sentence({}) ==
      "Nothing is shown of 'True' yet: if +12.0% is the truth, some 23,764 more visitors would "
      "show it, about 12 days at this pace.");
  BOOST_TEST(sentence({.planned = 40'000}) ==
             "Nothing is shown of 'True' yet: go on for the 20,000 visitors that are left of the "
             "plan, about 10 days at this pace.");
  BOOST_TEST(
      sentence({.planned = 20'000}) ==
      "No difference between 'True' and 'false' is shown; changes outside -0.4% to +26.0% are "
      "ruled out.");
  running = two(500, 10'000, 575, 10'000);
  BOOST_TEST(sentence({.planned = 30'000}) ==
             "'True' looks better than 'false', but it is too early to stop: go on for the 10,000 "
             "visitors that are left of the plan.");
}

BOOST_AUTO_TEST_CASE(a_ratio_mismatch_warns_before_all_numbers) {
  const auto wrong = two(500, 10'000, 560, 11'000);
  BOOST_TEST(split_text(judged(wrong), {}).starts_with("Sample ratio mismatch"));
  BOOST_TEST(warnings(judged(wrong, {.weights = {11, 10}})).empty());
}

BOOST_AUTO_TEST_CASE(visitors_in_several_populations_are_told_over_one_percent) {
  auto mixed = two(500, 10'000, 560, 10'000);
  mixed["multi"] = 150;
  BOOST_TEST(warnings(judged(mixed)).empty());
  BOOST_TEST(has(split_text(judged(mixed), {}), "multi: 150 visitors"));
  mixed["multi"] = 250;
  BOOST_TEST(warnings(judged(mixed)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(values_are_judged_where_squares_were_kept) {
  const auto value = [](const char* sum, const char* squares) {
    auto result = goal("sale", 100);
    result.update({{"value_type", "S"}, {"sum", sum}, {"squares", squares}});
    return result;
  };
  const auto analysis =
      judged(answer({population("b", 3461, {value("2422.7", "134698.29")}),
                     population("control", 3407, {value("1396.87", "52377.9767")})}));
  BOOST_REQUIRE(analysis.goals.size() == 2u);
  BOOST_CHECK(analysis.goals[1].measure == Measure::per_visitor);
  const auto& comparison = analysis.goals[1].arms[0].comparison;
  BOOST_TEST(comparison->p_value == 0.02015840264358696, boost::test_tools::tolerance(1e-10));
  BOOST_TEST(has(split_text(analysis, {}), "sale: value per visitor"));
  BOOST_TEST(!has(split_text(analysis, {}), "no squares"));
  auto without = goal("sale", 100);
  without["value_type"] = "S";
  const auto none = judged(answer({population("b", 1000, {without})}));
  BOOST_TEST(has(split_text(none, {}), "sale: value per visitor n/a, no squares were kept"));
}

BOOST_AUTO_TEST_CASE(values_per_session_divide_by_who_viewed_a_page) {
  const auto value = [](const char* sum, const char* squares, int sessions) {
    auto result = goal("sale", 100);
    result.update(
        {{"value_type", "I"}, {"sum", sum}, {"squares", squares}, {"sessions", sessions}});
    return result;
  };
  const auto analysis = judged(answer({population("b", 1000, {value("300", "900", 800)}),
                                       population("control", 1000, {value("200", "500", 1000)})}));
  BOOST_CHECK(analysis.goals[1].measure == Measure::per_session);
  BOOST_TEST(title_of(analysis, analysis.goals[1]) == "sale: value per session");
  BOOST_TEST(analysis.goals[1].arms[0].estimate->mean == 0.375,
             boost::test_tools::tolerance(1e-14));
  // All viewed a page: the same as per visitor.
  BOOST_TEST(analysis.goals[1].arms[1].estimate->variance == (500 - 40.0) / 999 / 1000,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_page_says_what_it_leaves_out_and_what_is_wrong) {
  PageData data;
  data.goals.emplace_back().name = "sale";
  data.splits = {judged(two(500, 10'000, 560, 12'000))};
  const auto whole = page(data);
  BOOST_TEST(!has(whole, " more</p>"));
  BOOST_TEST(has(whole, "<p class=\"warning\">"));
  data.hidden_goals = 3;
  data.hidden_splits = 2;
  const auto text = page(data);
  BOOST_TEST(has(text, "and 3 more</p>"));
  BOOST_TEST(has(text, "and 2 more</p>"));
}

BOOST_AUTO_TEST_CASE(a_page_counts_the_goals_and_splits_that_it_does_not_ask_for) {
  const auto named = [](int size, const char* letter) {
    auto names = json::array();
    for (int i = 0; i < size; ++i) names.push_back({letter + std::to_string(i), ""});
    return names;
  };
  json status = {{"version", "1"}, {"tallies", json::object()}};
  const auto call = [&](const query::Request& request) -> json {
    if (request.method == "status") return status;
    if (request.method == "all_goals") return named(103, "g");
    if (request.method == "all_tests") return named(22, "t");
    if (request.method == "split_results") return two(1, 10, 2, 10);
    return 1;
  };
  const auto data = ask_page(call, {});
  BOOST_TEST(data.goals.size() == 100u);
  BOOST_TEST(data.hidden_goals == 3u);
  BOOST_TEST(data.splits.size() == 20u);
  BOOST_TEST(data.hidden_splits == 2u);
  BOOST_TEST(data.viewers_by_time.empty());  // there is no rollup by time
  status = json::array();
  BOOST_CHECK_THROW(ask_page(call, {}), DamageError);
}

BOOST_AUTO_TEST_CASE(an_answer_of_another_shape_is_damage) {
  BOOST_CHECK_THROW(read_split("x", json::array()), DamageError);
  BOOST_CHECK_THROW(read_split("x", {{"populations", {1}}}), DamageError);
  auto wrong = two(1, 2, 1, 2);
  wrong["populations"][0]["goals"][0]["sum"] = "many";
  BOOST_CHECK_THROW(read_split("x", wrong), DamageError);
  auto fewer = two(1, 2, 1, 2);
  fewer["populations"][0]["goals"] = json::array();
  BOOST_CHECK_THROW(read_split("x", fewer), DamageError);
}

BOOST_AUTO_TEST_CASE(fields_are_json_with_every_digit) {
  const auto analysis = judged(two(500, 10'000, 560, 10'000));
  const auto fields = json::parse(to_json(all_comparisons(analysis), 0))[0];
  BOOST_TEST(fields["goal"] == "sale");
  BOOST_TEST(fields["control"] == "false");
  BOOST_TEST(fields["lift"].get<double>() == 0.12, boost::test_tools::tolerance(1e-14));
  const auto rows = json::parse(render(split_rows(analysis), {.format = Format::json}));
  BOOST_TEST(rows[0]["verdict"] == "go on");
  BOOST_TEST(rows[1]["verdict"] == "control");
  BOOST_TEST(rows[1]["lift"].is_null());
  BOOST_TEST(rows[0]["mean_lift"].is_null());
  BOOST_TEST(exact(0.1) == "0.10000000000000001");
  BOOST_TEST(exact(std::nan("")) == "null");
}

BOOST_AUTO_TEST_CASE(numbers_are_short_for_eyes) {
  BOOST_TEST(grouped(1234567) == "1,234,567");
  BOOST_TEST(grouped(-123) == "-123");
  BOOST_TEST(shown(0.056, Unit::percent) == "5.60%");
  BOOST_TEST(shown(0.000012, Unit::percent) == "0.0012%");
  BOOST_TEST(shown(1234.5, Unit::plain) == "1234.50");
  BOOST_TEST(signed_percent(0.12) == "+12.0%");
  BOOST_TEST(signed_percent(-0.0001) == "0.0%");
  BOOST_TEST(shown_p(0.0582) == "0.058");
  BOOST_TEST(shown_p(4.1e-47) == "4e-47");
}
