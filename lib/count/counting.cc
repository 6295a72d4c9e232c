// SPDX-License-Identifier: MIT
#include "count/counting.h"

#include <algorithm>
#include <bit>

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
  auto& known = history.rare().complex_goals;
  for (auto& progress : known) {
    if (progress.goal == goal) return progress;
  }
  return known.emplace_back(ComplexProgress{.goal = goal, .buckets = {}});
}

/// The marks of a row's goal and block on the visitor's other sites.
std::uint8_t marks_elsewhere(const History& history, std::uint32_t row, std::size_t place) {
  std::uint8_t marks = 0;
  if (!history.has_several_sites()) return marks;
  const auto rows = history.rows();
  for (std::uint32_t other = 0; other < rows.size(); ++other) {
    const bool is_twin = rows[other].goal == rows[row].goal && rows[other].block == rows[row].block;
    if (is_twin && other != row) marks |= history.marks(other, place);
  }
  return marks;
}

/// The square of a visitor's sum in units of SquareSum.
__int128 square_of(Decimal sum) noexcept {
  constexpr std::int64_t kMostMicros = 7'000'000'000'000'000'000;  // its square still fits
  const auto micros = std::clamp<__int128>(sum.units() / 1000, -kMostMicros, kMostMicros);
  return micros * micros;
}

}  // namespace

Counting::Counting(Rules rules, Names& names, Counters& counters)
    : rules_(std::move(rules)), names_(names), counters_(counters) {
  for (const auto& rollup : rules_.rollups) rollup_ids_.push_back(names_.id_of(rollup.name));
  for (const auto& goal : rules_.complex_goals) {
    complex_rules_.push_back({names_.id_of(record::fit_name(goal.name, name_storage_)),
                              ids_of(goal.includes, names_), ids_of(goal.excludes, names_)});
  }
  const bool needs_agents = std::ranges::any_of(rules_.rollups, &Rollup::needs_agents);
  viewed_page_ = names_.id_of(kViewedPage);
  if (needs_agents) agents_ = std::make_unique<Agents>(rules_.agent_patterns);
  quarters_.resize(rules_.rollups.size());
  last_quarters_.resize(rules_.rollups.size());
}

void Counting::count(const Record& record, History& history) {
  if (const auto* page = std::get_if<Page>(&record.event)) remember_page(*page, history);
  set_scene(record, history);
  if (std::holds_alternative<Page>(record.event)) {
    count_goal(viewed_page_, {}, history);
  } else if (const auto* goal = std::get_if<Goal>(&record.event)) {
    const auto id = names_.id_of(record::fit_name(goal->name, name_storage_));
    counters_.meet_goal(id, static_cast<char>(goal->type), static_cast<char>(goal->format));
    count_goal(id, goal->value.value_or(Decimal{}), history);
  } else if (const auto* split = std::get_if<Split>(&record.event)) {
    count_split(*split, record.at, history);
  }
}

void Counting::set_scene(const Record& record, History& history) {
  const auto at_s = std::chrono::floor<std::chrono::seconds>(record.at).time_since_epoch().count();
  const bool is_in_order = at_s >= history.last_s && !history.is_behind;
  const auto age = is_in_order ? History::Age::open_or_new : History::Age::any;
  bool has_opened = false;
  site_ = record.site;
  buckets_.clear();
  places_.clear();
  for (std::size_t i = 0; i < rollup_ids_.size(); ++i) {
    const auto& bucket =
        buckets_.emplace_back(Bucket{rollup_ids_[i], bucket_in(i, record, history)});
    const auto place = history.place_of(bucket);
    const bool is_time = rules_.rollups[i].basis == Rollup::Basis::time;
    places_.push_back(place ? *place : history.open(bucket, is_time ? age : History::Age::any));
    has_opened |= !place;
  }
  // Where nothing was opened the record is of the same buckets as the last that opened some.
  if (!has_opened) return;
  history.has_changed = true;
  history.is_behind = at_s < history.last_s;
  history.last_s = std::max(history.last_s, at_s);
}

NameId Counting::bucket_in(std::size_t rollup, const Record& record, const History& history) {
  switch (rules_.rollups[rollup].basis) {
    case Rollup::Basis::nothing:
    case Rollup::Basis::time:
      return time_bucket(rollup, record.at);
    case Rollup::Basis::variants:
      return variant_bucket(rollup, history);
    case Rollup::Basis::first_page:
    case Rollup::Basis::last_page:
      break;
  }
  const auto traits = history.traits();
  const auto known = std::ranges::find(traits, rollup_ids_[rollup], &Bucket::rollup);
  return known == traits.end() ? names_.id_of("") : known->bucket;
}

NameId Counting::variant_bucket(std::size_t rollup, const History& history) {
  const auto split = names_.id_of(rules_.rollups[rollup].argument);
  const auto met = history.variants();
  const auto latest = std::find_if(met.rbegin(), met.rend(),
                                   [&](const Variant& each) { return each.split == split; });
  return latest == met.rend() ? names_.id_of("") : latest->population;
}

void Counting::remember_page(const Page& page, History& history) {
  for (std::size_t i = 0; i < rollup_ids_.size(); ++i) {
    const auto& rollup = rules_.rollups[i];
    const bool is_first = rollup.basis == Rollup::Basis::first_page;
    if (!is_first && rollup.basis != Rollup::Basis::last_page) continue;
    const auto is_known = [&] {
      return std::ranges::find(history.traits(), rollup_ids_[i], &Bucket::rollup) !=
             history.traits().end();
    };
    if (is_first && is_known()) continue;
    const auto* agent = rollup.needs_agents() ? &agents_->of(page.user_agent) : nullptr;
    const auto bucket = bucket_of(rollup, page, agent);
    history.set_trait({rollup_ids_[i], names_.id_of(record::fit_name(bucket, name_storage_))});
  }
}

NameId Counting::time_bucket(std::size_t rollup, UnixNanos at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  if (seconds < kSinceQuartersSeconds) return names_.id_of(bucket_of(rules_.rollups[rollup], at));
  const auto quarter = seconds / kQuarterSeconds;
  auto& [last, bucket] = last_quarters_[rollup];
  if (last == quarter) return bucket;
  auto& known = quarters_[rollup];
  if (known.size() > kMostQuarters) known.clear();
  auto& found = known[quarter];
  if (found == 0) found = names_.id_of(bucket_of(rules_.rollups[rollup], at));
  last = quarter;
  return bucket = found;
}

void Counting::count_goal(NameId goal, Decimal value, History& history) {
  const auto variants = history.variants().size();
  Target target{{goal, site_, 0}, 1, value};
  for (std::size_t first = 0; first <= variants; first += Row::kVariants, ++target.row.block) {
    const auto in_block = std::min(Row::kVariants, variants - first);
    target.mask |= static_cast<std::uint8_t>(((1u << in_block) - 1) << 1);
    if (target.mask != 0) count_target(target, history);
    target.mask = 0;
  }
  for (const auto& rule : complex_rules_) follow(rule, goal, history);
}

void Counting::count_split(const Split& split, UnixNanos at, History& history) {
  Variant variant;
  variant.split = names_.id_of(record::fit_name(split.name, name_storage_));
  variant.population = names_.id_of(record::fit_name(split.population, name_storage_));
  counters_.meet_split(variant.split, at);
  const auto known = history.variants();
  const auto number = static_cast<std::size_t>(std::ranges::find(known, variant) - known.begin());
  if (number == known.size()) meet_variant(variant, history);
  const auto bit = static_cast<std::uint8_t>(2u << (number % Row::kVariants));
  count_target({{0, site_, static_cast<std::uint32_t>(number / Row::kVariants)}, bit, {}}, history);
}

void Counting::meet_variant(const Variant& variant, History& history) {
  const auto others = std::ranges::count(history.variants(), variant.split, &Variant::split);
  history.add_variant(variant);
  if (others != 1) return;
  for (const auto& bucket : buckets_) {
    counters_.add({0, variant.split, 0, bucket.rollup, bucket.bucket, site_}, {1, 1, {}});
  }
}

void Counting::count_target(const Target& target, History& history) {
  const auto row = history.row_of(target.row);
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const auto marks = history.marks(row, places_[i]);
    const auto first_here = static_cast<std::uint8_t>(target.mask & ~marks);
    auto changed = target.value.is_zero() ? first_here : target.mask;
    if (changed == 0) continue;
    const auto first_anywhere =
        static_cast<std::uint8_t>(first_here & ~marks_elsewhere(history, row, places_[i]));
    history.mark(row, places_[i], target.mask);
    for (; changed != 0; changed &= static_cast<std::uint8_t>(changed - 1)) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(changed));
      CounterKey key{target.row.goal, 0, 0, buckets_[i].rollup, buckets_[i].bucket, site_};
      if (bit > 0) {
        const auto& variant = history.variants()[target.row.block * Row::kVariants + bit - 1];
        key.split = variant.split;
        key.population = variant.population;
      }
      counters_.add(key, {first_here >> bit & 1, first_anywhere >> bit & 1, target.value});
    }
  }
  if (!target.value.is_zero()) add_totals(target, row, history);
}

void Counting::add_totals(const Target& target, std::uint32_t row, History& history) {
  const auto rows = history.rows();
  for (std::uint8_t bit = 1; bit <= Row::kVariants; ++bit) {
    if ((target.mask >> bit & 1) == 0) continue;
    Total* here = nullptr;
    Decimal elsewhere;
    auto& totals = history.rare().totals;
    for (auto& total : totals) {
      const auto& other = rows[total.row];
      if (other.goal != target.row.goal || other.block != target.row.block || total.bit != bit)
        continue;
      if (total.row == row) {
        here = &total;
      } else {
        elsewhere += total.sum;
      }
    }
    if (here == nullptr) here = &totals.emplace_back(Total{row, bit, {}});
    const auto before = here->sum;
    here->sum += target.value;
    const auto& variant = history.variants()[target.row.block * Row::kVariants + bit - 1];
    SquareKey key{target.row.goal, variant.split, variant.population, site_};
    counters_.add_square(key, SquareSum::from_units(square_of(here->sum) - square_of(before)));
    key.site = kAllSites;
    counters_.add_square(key, SquareSum::from_units(square_of(elsewhere + here->sum) -
                                                    square_of(elsewhere + before)));
  }
}

void Counting::follow(const ComplexRule& rule, NameId goal, History& history) {
  const bool is_excluded = contains(rule.excludes, goal);
  if (!is_excluded && !contains(rule.includes, goal)) return;
  const auto is_reached = [&](NameId each) { return history.has_reached(each); };
  const bool has_all = std::all_of(rule.includes.begin(), rule.includes.end(), is_reached);
  if (!is_excluded && !has_all) return;
  auto& progress = progress_of(history, rule.goal);
  if (progress.is_closed) return;
  if (is_excluded) {
    add_complex(progress, -1, history);
    progress.buckets.clear();
    progress.is_closed = true;
    return;
  }
  // A rule added later meets excludes that came before it.
  const bool is_barred = std::any_of(rule.excludes.begin(), rule.excludes.end(), is_reached);
  if (is_barred || !progress.buckets.empty()) return;
  counters_.meet_goal(rule.goal, 0, 0);
  progress.site = site_;
  progress.variants = static_cast<std::uint32_t>(history.variants().size());
  progress.buckets = buckets_;
  add_complex(progress, 1, history);
}

void Counting::add_complex(const ComplexProgress& progress, std::int64_t count,
                           const History& history) {
  for (const auto& bucket : progress.buckets) {
    CounterKey key{progress.goal, 0, 0, bucket.rollup, bucket.bucket, progress.site};
    counters_.add(key, {count, count, {}});
    for (std::uint32_t i = 0; i < progress.variants; ++i) {
      key.split = history.variants()[i].split;
      key.population = history.variants()[i].population;
      counters_.add(key, {count, count, {}});
    }
  }
}

}  // namespace manhattan::count
