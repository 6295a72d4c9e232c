// SPDX-License-Identifier: MIT
#include "report/page.h"

#include "report/chart.h"
#include "report/conclusion.h"
#include "report/numbers.h"
#include "report/page_style.h"
#include "report/width.h"

namespace manhattan::report {
namespace {

/// A cell that tells its column where there is no room for a heading.
std::string named_cell(const std::string& name, const std::string& inside,
                       const std::string& class_name = "") {
  return "<td data-name=\"" + name + "\" class=\"" + class_name + "\">" + inside + "</td>";
}

std::string cell(const std::string& inside, const char* class_name = nullptr) {
  return class_name == nullptr
             ? "<td>" + inside + "</td>"
             : "<td class=\"" + std::string(class_name) + "\">" + inside + "</td>";
}

std::string text_cell(const std::string& text) { return cell(escaped(printable(text))); }

std::string table(const std::vector<std::string>& heading, const std::string& rows,
                  const std::string& class_name = "") {
  std::string text = "<div class=\"scroll\"><table class=\"" + class_name + "\"><thead><tr>";
  for (const auto& name : heading) text += "<th scope=\"col\">" + escaped(name) + "</th>";
  return text + "</tr></thead><tbody>" + rows + "</tbody></table></div>";
}

std::string tile(const std::string& number, const std::string& name) {
  return "<div class=\"tile\"><b>" + escaped(number) + "</b>" + escaped(name) + "</div>";
}

std::int64_t tally(const PageData& data, const std::string& name) {
  for (const auto& [known, number] : data.tallies) {
    if (known == name) return number;
  }
  return 0;
}

std::string tiles(const PageData& data) {
  return "<div class=\"tiles\">" + tile(grouped(data.viewers), "visitors who viewed a page") +
         tile(grouped(tally(data, "record_page")), "pages, bots too") +
         tile(grouped(tally(data, "visitor_without_pixel")), "left out: no pixel came") +
         tile(std::to_string(data.goals.size() + data.hidden_goals), "goals") +
         tile(std::to_string(data.splits.size() + data.hidden_splits), "split tests") + "</div>";
}

std::string goals_section(const PageData& data) {
  if (data.goals.empty()) return "";
  std::string rows;
  for (const auto& goal : data.goals) {
    const double share =
        data.viewers > 0 ? static_cast<double>(goal.visitors) / static_cast<double>(data.viewers)
                         : 0;
    const bool has_value = !goal.value_type.empty() && goal.value_type != "R";
    rows += "<tr>" + text_cell(goal.name) + cell(grouped(goal.visitors)) +
            cell(shown(share, Unit::percent)) +
            cell(has_value ? shown(goal.value, Unit::plain) : "") + "</tr>";
  }
  std::string text =
      "<h2>Goals</h2><div class=\"card\">" + table({"goal", "visitors", "of all", "value"}, rows);
  if (data.hidden_goals > 0) {
    text += "<p class=\"soft\">and " + std::to_string(data.hidden_goals) + " more</p>";
  }
  return text + "</div>";
}

std::string bars_section(const BarSection& section) {
  std::string rows;
  for (const auto& point : section.points) {
    rows += "<tr>" + text_cell(point.label.empty() ? "(none)" : point.label) +
            cell(bar_chart(point.value, section.points.front().value), "drawn") +
            cell(grouped(static_cast<std::int64_t>(point.value))) + "</tr>";
  }
  return "<section><h2>" + escaped(printable(section.title)) + "</h2><div class=\"card\">" +
         table({"", "", "visitors"}, rows, "bars") + "</div></section>";
}

const char* class_of(const SplitAnalysis& split, const GoalAnalysis& goal, std::size_t arm) {
  if (arm == split.control) return "control";
  const auto verdict = verdict_of(split, goal.arms[arm]);
  return verdict == Verdict::better ? "better" : verdict == Verdict::worse ? "worse" : "open";
}

std::string arm_row(const SplitAnalysis& split, const GoalAnalysis& goal, std::size_t i,
                    const stats::Interval& axis) {
  const auto& arm = goal.arms[i];
  const auto unit = goal.measure == Measure::rate ? Unit::percent : Unit::plain;
  const auto interval =
      or_none(arm.interval, [&](const auto& range) { return shown(range, unit); });
  std::string drawn;
  if (arm.interval) drawn = range_chart(*arm.interval, arm.estimate->mean, axis, interval);
  const auto& comparison = arm.comparison;
  const auto lift = comparison
                        ? or_none(comparison->lift, [](double l) { return signed_percent(l); })
                        : std::string(i == split.control ? "control" : kNone);
  const auto lift_range =
      comparison && comparison->lift_interval ? signed_percent(*comparison->lift_interval) : "";
  const auto best = or_none(arm.best, shown_chance);
  const auto& population = split.counts.populations[i];
  return "<tr>" + text_cell(population.name) +
         named_cell("visitors", grouped(population.visitors)) +
         named_cell(unit == Unit::percent ? "rate" : "mean",
                    or_none(arm.estimate, [&](const auto& e) { return shown(e.mean, unit); })) +
         named_cell("", drawn, "drawn") + named_cell("interval", interval) +
         named_cell("lift", lift, class_of(split, goal, i)) +
         named_cell("lift interval", lift_range) +
         named_cell("p (Holm)", arm.holm_p ? shown_p(*arm.holm_p) : "") + named_cell("best", best) +
         "</tr>";
}

std::string goal_of_split(const SplitAnalysis& split, const GoalAnalysis& goal) {
  const auto axis = axis_of(goal);
  std::string rows, sentences;
  for (std::size_t i = 0; i < goal.arms.size(); ++i) {
    rows += arm_row(split, goal, i, axis);
    if (i != split.control) sentences += "<p>" + escaped(conclusion(split, goal, i)) + "</p>";
  }
  const bool is_rate = goal.measure == Measure::rate;
  return "<h4>" + escaped(title_of(split, goal)) + "</h4>" + sentences +
         table({"population", "visitors", is_rate ? "rate" : "mean", "", "interval", "lift",
                "interval", "p (Holm)", "best"},
               rows, "arms");
}

std::string splits_section(const PageData& data) {
  if (data.splits.empty()) return "";
  std::string text = "<h2>Split tests</h2>";
  for (const auto& split : data.splits) {
    text += "<article class=\"card\"><h3>" + escaped(printable(split.counts.name)) + "</h3>";
    for (const auto& warning : warnings(split)) {
      text += "<p class=\"warning\">" + escaped(warning) + "</p>";
    }
    for (const auto& goal : split.goals) text += goal_of_split(split, goal);
    for (const auto& reason : left_out(split)) {
      text += "<p class=\"soft\">left out: " + escaped(reason) + "</p>";
    }
    text += "</article>";
  }
  text += "<p class=\"legend\">" + escaped(legend(data.options.alpha)) + "</p>";
  if (data.hidden_splits > 0) {
    text += "<p class=\"soft\">and " + std::to_string(data.hidden_splits) + " more</p>";
  }
  return text;
}

std::string tallies_section(const PageData& data) {
  std::string rows;
  for (const auto& [name, number] : data.tallies) {
    rows += "<tr>" + text_cell(name) + cell(grouped(number)) + "</tr>";
  }
  return "<details><summary>What was read, counted and left out</summary><div class=\"card\">" +
         table({"name", "number"}, rows) + "</div></details>";
}

std::string series_section(const PageData& data) {
  const auto& rollup = data.options.rollup;
  const auto inside = rollup.empty()
                          ? "<p>The server divides nothing by time; give it --rollup day.</p>"
                          : series_chart(data.viewers_by_time);
  return "<h2>Visitors" + (rollup.empty() ? "" : " by " + escaped(printable(rollup))) +
         "</h2><div class=\"card\">" + inside + "</div>\n";
}

std::string scope_of(const PageOptions& options) {
  const auto site = options.site ? "site " + std::to_string(*options.site) : "all sites together";
  return site + (options.asked_at_s ? ", " + date_and_time(*options.asked_at_s) : "");
}

std::string document(const std::string& title, std::int64_t refresh_s, const std::string& body) {
  std::string head =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
  if (refresh_s > 0) {
    head += "<meta http-equiv=\"refresh\" content=\"" + std::to_string(refresh_s) + "\">";
  }
  // An icon of nothing: without one, a browser asks for /favicon.ico.
  return head + "<link rel=\"icon\" href=\"data:,\"><title>" + escaped(title) + "</title><style>" +
         kPageStyle + "</style></head>\n<body><h1>" + escaped(title) + "</h1>\n" + body +
         "</body></html>\n";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string page(const PageData& data) {
  const auto& options = data.options;
  std::string body = "<p class=\"soft\">" + scope_of(options) + "</p>";
  for (const auto& text : data.warnings) {
    body += "<p class=\"warning\">" + escaped(printable(text)) + "</p>";
  }
  body += tiles(data);
  body += series_section(data) + splits_section(data) + goals_section(data);
  body += "<div class=\"pair\">";
  for (const auto& section : data.sections) body += bars_section(section);
  body += "</div>" + tallies_section(data) + "<footer>manhattan " + escaped(data.version) +
          "; only visitors whose browser fetched the pixel are counted, each once</footer>";
  return document(options.title, options.refresh_s, body);
}

std::string message_page(const std::string& title, const std::string& message) {
  return document(title, 0, "<p class=\"warning\">" + escaped(printable(message)) + "</p>");
}

}  // namespace manhattan::report
