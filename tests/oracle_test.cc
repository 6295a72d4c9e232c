// SPDX-License-Identifier: MIT
// A plain model of what is counted agrees, row by row, with backend and store on random
// clickstreams, wherever the backend ends and begins anew.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE oracle
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "tests/support/counted_log.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::tests;
namespace data = boost::unit_test::data;

namespace {

struct Event {
  By by;
  std::string kind, name, population, value, type, url, referrer, agent;

  std::string line() const {
    if (kind == "page") return page_line(by, agent, referrer, url);
    if (kind == "pixel") return pixel_line(by);
    if (kind == "split") return split_line(by, name, population);
    return goal_line(by, name, value, type);
  }
};

std::string day_of(std::int64_t seconds, std::int64_t days_back) {
  const std::time_t at = seconds - days_back * 86400;
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&at));
  return text;
}

/// goal|split|population|rollup|bucket|site
using Rows = std::map<std::string, std::pair<std::int64_t, Decimal>>;

/// What semantics.md says, with sets and maps.
class Model {
 public:
  explicit Model(const count::VisitorBounds& bounds) : bounds_(bounds) {}

  Rows rows;
  std::map<std::string, Decimal> squares;  // in units of a millionth squared
  std::map<std::string, std::string> types;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> spans;
  std::int64_t dropped = 0, others = 0, left_out = 0;

  void handle(const Event& e) {
    auto& v = visitors_[e.by.visitor];
    if (e.agent == "Googlebot/2.1") v.is_robot = true, v.waiting.clear();
    if (v.is_robot) return;
    if (v.is_human) return count(e, v);
    if (e.kind != "pixel") {
      v.waiting.push_back(e);
      if (v.waiting.size() > 500) v.waiting.pop_front(), ++dropped;
      return;
    }
    v.is_human = true;
    for (const auto& waiting : v.waiting) count(waiting, v);
  }

 private:
  struct Visitor {
    bool is_human = false, is_robot = false;
    std::deque<Event> waiting;
    std::vector<std::string> variants;  // split|population
    std::set<std::string> seen, goals, splits, shown_several;
    std::string path, referrer;
    std::map<std::string, Decimal> sums;
    std::map<std::string, std::set<std::string>> buckets;  // by rollup
    std::set<std::string> bounded_goals;                   // goal|site, and |site|block
    std::vector<std::string> places;     // rollup|bucket|site of the record at hand
    std::vector<std::string> left_rows;  // where "left" counts
    bool is_left_closed = false;
  };

  void count(const Event& e, Visitor& v) {
    if (e.kind == "pixel") return;
    if (e.kind == "page") {
      v.path = e.url;
      if (v.referrer.empty()) v.referrer = e.referrer.substr(8, 11);
    }
    const auto at = std::stoll(e.by.at);
    const auto week_day = (at / 86400 + 4) % 7;
    if (!has_room(e, v)) return;
    v.places.clear();
    const std::pair<std::string, std::string> buckets[] = {{"all", "0"},
                                                           {"day", day_of(at, 0)},
                                                           {"week", day_of(at, week_day)},
                                                           {"path", v.path},
                                                           {"referrer", v.referrer}};
    for (const auto& [rollup, own] : buckets) {
      auto& known = v.buckets[rollup];
      const bool has_room =
          bounds_.buckets == 0 || known.size() < bounds_.buckets || known.contains(own);
      if (!has_room) ++others;
      const auto& bucket = *known.insert(has_room ? own : "Other").first;
      for (const auto& site : {std::to_string(e.by.site), std::string("-1")})
        v.places.push_back(rollup + '|' + bucket + '|' + site);
    }
    if (e.kind == "page") count_goal("viewed page", {}, v);
    if (e.kind == "goal") count_goal(e.name, e, v);
    if (e.kind == "split") count_split(e, at, v);
  }

  bool has_room(const Event& e, Visitor& v) {
    auto goal = (e.kind == "page" ? "viewed page" : e.name) + '|' + std::to_string(e.by.site);
    if (e.kind == "split") {
      const auto known = std::ranges::find(v.variants, e.name + '|' + e.population);
      const bool is_new = known == v.variants.end();
      if (is_new && bounds_.variants > 0 && v.variants.size() >= bounds_.variants)
        return ++left_out, false;
      goal =
          "|" + std::to_string(e.by.site) + '|' + std::to_string((known - v.variants.begin()) / 7);
    }
    const bool is_known = v.bounded_goals.contains(goal);
    if (!is_known && bounds_.goals > 0 && v.bounded_goals.size() >= bounds_.goals)
      return ++left_out, false;
    v.bounded_goals.insert(goal);
    return true;
  }

  void add(const std::string& what, Visitor& v, const Decimal& value = {}) {
    for (const auto& place : v.places) {
      auto& [count, sum] = rows[what + '|' + place];
      count += v.seen.insert(what + '|' + place).second ? 1 : 0;
      sum += value;
    }
  }

  void count_goal(const std::string& goal, const Event& e, Visitor& v) {
    const auto value = Decimal::parse(e.value).value_or(Decimal{});
    auto& type = types[goal];
    if (type.empty()) type = e.type;
    add(goal + "||", v, value);
    for (const auto& variant : v.variants) {
      add(goal + '|' + variant, v, value);
      for (const auto& site : {std::to_string(e.by.site), std::string("-1")})
        if (!value.is_zero()) add_square(goal + '|' + variant + '|' + site, value, v);
    }
    v.goals.insert(goal);
    if (goal == "g0" || goal == "g1" || goal == "g2") follow_left(goal, v);
  }

  void add_square(const std::string& key, const Decimal& value, Visitor& v) {
    const auto before = v.sums[key].units() / 1000, after = (v.sums[key] += value).units() / 1000;
    squares[key] += Decimal::from_units(after * after - before * before);
  }

  void count_split(const Event& e, std::int64_t at, Visitor& v) {
    const auto variant = e.name + '|' + e.population;
    auto& [first, last] = spans.try_emplace(e.name, at, at).first->second;
    first = std::min(first, at), last = std::max(last, at);
    if (std::ranges::find(v.variants, variant) == v.variants.end()) {
      v.variants.push_back(variant);
      const bool is_second = !v.splits.insert(e.name).second;
      if (is_second && v.shown_several.insert(e.name).second) add('|' + e.name + '|', v);
    }
    add('|' + variant, v);
  }

  /// left|g0,g1|g2
  void follow_left(const std::string& goal, Visitor& v) {
    if (goal == "g2") {
      for (const auto& row : v.left_rows) --rows[row].first;
      v.is_left_closed = true;
      v.left_rows.clear();
    }
    if (v.is_left_closed || !v.left_rows.empty() || !v.goals.contains("g0") ||
        !v.goals.contains("g1"))
      return;
    auto of = v.variants;
    of.push_back("|");
    for (const auto& what : of)
      for (const auto& place : v.places) v.left_rows.push_back("left|" + what + '|' + place);
    for (const auto& row : v.left_rows) ++rows[row].first;
    types["left"];
  }

  const count::VisitorBounds bounds_;
  std::map<std::string, Visitor> visitors_;
};

/// Twenty visitors, one of whom is shy and busy: more than 500 of its records wait for its pixel.
Event random_event(std::mt19937_64& random, std::int64_t& clock_s) {
  const auto pick = [&](std::uint64_t n) { return random() % n; };
  const auto one_of = [&](auto... texts) {
    const std::string all[] = {texts...};
    return all[pick(sizeof...(texts))];
  };
  clock_s += static_cast<std::int64_t>(pick(400));
  const auto late_s = pick(5) == 0 ? static_cast<std::int64_t>(pick(3 * 86400)) : 0;
  const bool is_shy = pick(2) == 0;
  Event e;
  e.by = {is_shy ? "shy" : "v" + std::to_string(pick(20)), std::to_string(clock_s - late_s),
          static_cast<int>(pick(3))};
  const auto kind = pick(is_shy ? 1200 : 10);
  e.kind = kind == 0 ? "pixel" : one_of("page", "goal", "goal", "split");
  e.name = (e.kind == "split" ? "s" : "g") + std::to_string(pick(5));
  e.population = one_of("red", "blue", "green");
  if (pick(2) == 0) e.value = one_of("1", "0", "-2.5", "1234567.891", "0.000001");
  e.type = one_of("", "", "S", "A", "R", "I");
  e.url = one_of("/a", "/b", "/b/c");
  e.referrer = one_of("https://one.example/", "https://two.example/x");
  if (e.kind == "page" && !is_shy && pick(60) == 0) e.agent = "Googlebot/2.1";
  return e;
}

std::string one_decimal(const std::string& text) {
  return Decimal::parse(text).value().to_string();
}

std::vector<std::string> rows_of(const Model& model) {
  std::vector<std::string> lines;
  for (const auto& [row, counter] : model.rows)
    if (counter.first != 0 || !counter.second.is_zero())
      lines.push_back(row + '|' + std::to_string(counter.first) + '|' + counter.second.to_string());
  for (const auto& [key, sum] : model.squares)
    if (!sum.is_zero())
      lines.push_back("square " + key + '|' + SquareSum::from_units(sum.units()).to_string());
  for (const auto& [goal, type] : model.types) lines.push_back("goal " + goal + '|' + type);
  for (const auto& [split, span] : model.spans)
    lines.push_back("split " + split + '|' + std::to_string(span.first) + '|' +
                    std::to_string(span.second));
  lines.push_back("dropped " + std::to_string(model.dropped));
  lines.push_back("others " + std::to_string(model.others));
  lines.push_back("left out " + std::to_string(model.left_out));
  std::ranges::sort(lines);
  return lines;
}

std::vector<std::string> rows_of(const CountedLog& log) {
  const auto& place = log.options.location;
  std::vector<std::string> lines;
  const auto add = [&](const std::string& prefix, const std::string& sql, int columns) {
    for (const auto& line : ask(place, sql, columns)) lines.push_back(prefix + line);
  };
  const std::string names = "coalesce(g.name, ''), coalesce(s.name, ''), coalesce(p.name, ''), ";
  const std::string joins =
      " LEFT JOIN name g ON g.id = c.goal LEFT JOIN name s ON s.id = c.split"
      " LEFT JOIN name p ON p.id = c.population";
  add("",
      "SELECT " + names + "r.name, b.name, site, count, value FROM counter c" + joins +
          " JOIN name r ON r.id = c.rollup JOIN name b ON b.id = c.bucket"
          " WHERE count <> 0 OR value + 0 <> 0",
      8);
  add("square ", "SELECT " + names + "site, total FROM square c" + joins + " WHERE total + 0 <> 0",
      5);
  for (auto& line : lines) {  // MariaDB's decimals have all their places
    const auto bar = line.rfind('|') + 1;
    const auto text = line.substr(bar);
    line.replace(bar, text.size(),
                 line.starts_with("square ") ? SquareSum::parse(text).value().to_string()
                                             : one_decimal(text));
  }
  add("goal ", "SELECT n.name, value_type FROM goal JOIN name n ON n.id = goal.id", 2);
  const auto reader = log.options.location.open_reader();
  for (const auto& split : reader->splits())
    lines.push_back("split " + split.name + '|' +
                    std::to_string(split.first_at.time_since_epoch().count() / 1'000'000'000) +
                    '|' + std::to_string(split.last_at.time_since_epoch().count() / 1'000'000'000));
  lines.push_back("dropped " + std::to_string(log.tally("waiting_dropped")));
  lines.push_back("others " + std::to_string(log.tally("bucket_other")));
  lines.push_back("left out " +
                  std::to_string(log.tally("left_out_goal") + log.tally("left_out_variant")));
  std::ranges::sort(lines);
  return lines;
}

/// What only one of the two has, the first of it; empty where they are the same.
std::string difference(const std::vector<std::string>& found,
                       const std::vector<std::string>& expected) {
  std::string text;
  const auto add = [&](const auto& these, const auto& others, const char* whose) {
    std::vector<std::string> only;
    std::ranges::set_difference(these, others, std::back_inserter(only));
    for (const auto& line : only)
      if (text.size() < 2000) text += std::string(whose) + line + '\n';
  };
  add(found, expected, "counted: ");
  add(expected, found, "due: ");
  return text;
}

/// Hands the log to backends that end at random, with and without a last flush.
void count_with_ends(const CountedLog& log, const std::string& text, std::mt19937_64& random) {
  const auto segment = log.segment(3600);
  std::unique_ptr<Backend> backend;
  std::size_t offset = 0;
  for (int ends = 0; offset < text.size();) {
    if (!backend) {
      backend = std::make_unique<Backend>(log.options, silent());
      const auto known = backend->segments().find(segment);
      offset = known == backend->segments().end() ? 0 : known->second.offset;
    }
    auto end = offset;
    const auto room = log.options.flush_every_records - backend->unflushed_records();
    for (auto left = std::min<std::int64_t>(room, 1 + std::int64_t(random() % 40));
         left > 0 && end < text.size(); --left)
      end = text.find('\n', end) + 1;
    backend->handle({segment, offset, std::string_view(text).substr(offset, end - offset), 0});
    offset = end;
    if (backend->is_flush_due() || random() % 30 == 0 || end == text.size()) backend->flush();
    if (ends < 30 && random() % 10 == 0) backend.reset(), ++ends;
  }
}

const std::int64_t kFlushEvery[] = {1, 7, 1000};
struct Size {
  std::int64_t cache;
  std::int64_t threads;
  count::VisitorBounds bounds = {};
};
std::ostream& operator<<(std::ostream& out, const Size& size) {
  return out << size.cache << " visitors, " << size.threads << " threads, "
             << (size.bounds.buckets > 0 ? "bounded" : "unbounded");
}
const Size kSizes[] = {{2, 1},
                       {100'000, 1},
                       {4, 2},
                       {3, 1, {.buckets = 2, .goals = 12, .variants = 8}},
                       {100'000, 3, {.buckets = 3, .goals = 9, .variants = 3}}};

}  // namespace

BOOST_DATA_TEST_CASE(a_plain_model_agrees_with_what_is_counted,
                     data::make(kDatabases) * data::make(kFlushEvery) * data::make(kSizes),
                     database, flush_every, size) {
  std::mt19937_64 random(seed());
  CountedLog log(database);
  log.options.rules.rollups.clear();
  for (const auto* rollup : {"all", "day", "week", "path", "referrer"})
    log.options.rules.rollups.push_back(count::parse_rollup(rollup, "UTC"));
  log.options.rules.complex_goals = {count::parse_complex_goal("left|g0,g1|g2")};
  log.options.flush_every_records = flush_every;
  log.options.cache_visitors = size.cache;
  log.options.threads = size.threads;
  log.options.rules.bounds = size.bounds;
  Model model(size.bounds);
  std::string text;
  std::int64_t clock_s = 1'479'747'600;
  const int records = flush_every == 1 ? 300 : 1500;
  for (int i = 0; i < records; ++i) {
    const auto event = random_event(random, clock_s);
    model.handle(event);
    text += event.line();
  }
  count_with_ends(log, text, random);
  BOOST_TEST(difference(rows_of(log), rows_of(model)) == "");
}
