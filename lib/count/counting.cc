// SPDX-License-Identifier: MIT
#include "count/counting.h"

#include <algorithm>
#include <array>

#include "record/text_codec.h"

namespace manhattan::count {
namespace {

constexpr std::string_view kViewedPage = "viewed page";

// Zones have changed their offset at whole quarters of an hour since Liberia did in 1972, so all
// instants of a quarter fall into one bucket. Earlier ones are worked out each time.
constexpr std::int64_t kQuarterSeconds = 900;
constexpr std::int64_t kSinceQuartersSeconds = 2 * 366 * 86400;
constexpr std::size_t kMostQuarters = 40'000;  // a year of them and more, for each rollup

bool contains(const std::vector<NameId>& names, NameId name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<NameId> ids_of(const std::vector<std::string>& names, Names& known) {
  std::vector<NameId> ids;
  std::string storage;
  for (const auto& name : names) ids.push_back(known.id_of(record::fit_name(name, storage)));
  return ids;
}

ComplexProgress& progress_of(History& history, NameId goal) {
  for (auto& progress : history.complex_goals) {
    if (progress.goal == goal) return progress;
  }
  return history.complex_goals.emplace_back(ComplexProgress{goal, false, {}});
}

}  // namespace

Counting::Counting(Rules rules, Names& names, Counters& counters)
    : rules_(std::move(rules)), names_(names), counters_(counters) {
  for (const auto& rollup : rules_.rollups) rollup_ids_.push_back(names_.id_of(rollup.name));
  std::string storage;
  for (const auto& goal : rules_.complex_goals) {
    complex_rules_.push_back({names_.id_of(record::fit_name(goal.name, storage)),
                              ids_of(goal.includes, names_), ids_of(goal.excludes, names_)});
  }
  buckets_.resize(rules_.rollups.size());
}

void Counting::count(const Record& record, History& history) {
  const auto scene = scene_of(record);
  if (std::holds_alternative<Page>(record.event)) {
    count_goal(Goal{.name = kViewedPage}, scene, history);
  } else if (const auto* goal = std::get_if<Goal>(&record.event)) {
    count_goal(*goal, scene, history);
  } else if (const auto* split = std::get_if<Split>(&record.event)) {
    count_split(*split, record.at, scene, history);
  }
}

Counting::Scene Counting::scene_of(const Record& record) {
  Scene scene{record.site, {}};
  scene.cells.reserve(rollup_ids_.size());
  for (std::size_t i = 0; i < rollup_ids_.size(); ++i) {
    scene.cells.push_back({rollup_ids_[i], bucket_at(i, record.at)});
  }
  return scene;
}

NameId Counting::bucket_at(std::size_t rollup_index, UnixNanos at) {
  const auto& rollup = rules_.rollups[rollup_index];
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  if (seconds < kSinceQuartersSeconds) return names_.id_of(bucket_of(rollup, at));
  auto& known = buckets_[rollup_index];
  if (known.size() > kMostQuarters) known.clear();
  auto& bucket = known[seconds / kQuarterSeconds];
  if (bucket == 0) bucket = names_.id_of(bucket_of(rollup, at));
  return bucket;
}

void Counting::count_goal(const Goal& goal, const Scene& scene, History& history) {
  std::string storage;
  const auto id = names_.id_of(record::fit_name(goal.name, storage));
  counters_.meet_goal(id, static_cast<char>(goal.type), static_cast<char>(goal.format));
  convert({id, goal.value.value_or(Decimal{})}, scene, history, nullptr);
  reach(id, scene, history);
}

void Counting::count_split(const Split& split, UnixNanos at, const Scene& scene, History& history) {
  std::string storage;
  Variant variant;
  variant.split = names_.id_of(record::fit_name(split.name, storage));
  variant.population = names_.id_of(record::fit_name(split.population, storage));
  counters_.meet_split(variant.split, at);
  const bool is_known = std::find(history.variants.begin(), history.variants.end(), variant) !=
                        history.variants.end();
  if (!is_known) history.variants.push_back(variant);
  for (const auto site : {scene.site, kAllSites}) {
    mark({0, variant.split, variant.population, site}, Decimal{}, scene, history.seen, nullptr);
  }
}

void Counting::reach(NameId goal, const Scene& scene, History& history) {
  if (!contains(history.goals, goal)) history.goals.push_back(goal);
  for (const auto& rule : complex_rules_) follow(rule, goal, scene, history);
}

void Counting::follow(const ComplexRule& rule, NameId goal, const Scene& scene, History& history) {
  const bool is_excluded = contains(rule.excludes, goal);
  if (!is_excluded && !contains(rule.includes, goal)) return;
  auto& progress = progress_of(history, rule.goal);
  if (progress.is_closed) return;
  if (is_excluded) {
    for (const auto& key : progress.counted) counters_.add(key, -1, Decimal{});
    progress.counted.clear();
    progress.is_closed = true;
    return;
  }
  const bool is_reached =
      std::all_of(rule.includes.begin(), rule.includes.end(),
                  [&](NameId include) { return contains(history.goals, include); });
  // A rule added later meets excludes that came before it.
  const bool is_barred =
      std::any_of(rule.excludes.begin(), rule.excludes.end(),
                  [&](NameId exclude) { return contains(history.goals, exclude); });
  if (!is_reached || is_barred || !progress.counted.empty()) return;
  counters_.meet_goal(rule.goal, 0, 0);
  convert({rule.goal, Decimal{}}, scene, history, &progress.counted);
}

void Counting::convert(const Hit& hit, const Scene& scene, History& history,
                       std::vector<CounterKey>* first) {
  for (const auto site : {scene.site, kAllSites}) {
    mark({hit.goal, 0, 0, site}, hit.value, scene, history.seen, first);
    for (const auto& variant : history.variants) {
      mark({hit.goal, variant.split, variant.population, site}, hit.value, scene, history.seen,
           first);
    }
  }
}

void Counting::mark(const Item& item, Decimal value, const Scene& scene, Seen& seen,
                    std::vector<CounterKey>* first) {
  const auto number = seen.number_of(item);
  for (const auto& cell : scene.cells) {
    const bool is_first = seen.mark(cell, number);
    if (!is_first && value.is_zero()) continue;
    const CounterKey key{item.goal,   item.split,  item.population,
                         cell.rollup, cell.bucket, item.site};
    counters_.add(key, is_first ? 1 : 0, value);
    if (is_first && first != nullptr) first->push_back(key);
  }
}

}  // namespace manhattan::count
