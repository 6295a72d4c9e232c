// SPDX-License-Identifier: MIT
#include "count/counting.h"

#include <algorithm>
#include <bit>

#include "record/text_codec.h"

namespace manhattan::count {
namespace {

constexpr std::string_view kViewedPage = "viewed page";
constexpr std::string_view kOther = "Other";

// A bucket that a page decided, but for which the visitor has no room: no name has this number.
constexpr NameId kNoRoom = 0;

std::uint32_t bound(std::uint32_t most) noexcept { return most == 0 ? UINT32_MAX : most; }

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

/// The square of a visitor's sum in units of SquareSum.
__int128 square_of(Decimal sum) noexcept {
  constexpr std::int64_t kMostMicros = 7'000'000'000'000'000'000;  // its square still fits
  const auto micros = std::clamp<__int128>(sum.units() / 1000, -kMostMicros, kMostMicros);
  return micros * micros;
}

}  // namespace

Counting::Counting(Rules rules, Names& names, Counters& counters)
    : rules_(std::move(rules)), names_(names), counters_(counters), bounds_(rules_.bounds) {
  for (auto* most : {&bounds_.buckets, &bounds_.goals, &bounds_.variants}) *most = bound(*most);
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
  site_ = record.site;
  if (const auto* page = std::get_if<Page>(&record.event))
    return count_page(*page, record, history);
  if (const auto* goal = std::get_if<Goal>(&record.event))
    return count_goal(*goal, record, history);
  if (const auto* split = std::get_if<Split>(&record.event)) count_split(*split, record, history);
}

void Counting::count_page(const Page& page, const Record& record, History& history) {
  remember_page(page, history);
  if (!has_room_for({viewed_page_, site_, 0}, history)) {
    counters_.tallies().add(Tally::left_out_goal);
    return;
  }
  set_scene(record, history);
  reach(viewed_page_, {}, history);
}

void Counting::count_goal(const Goal& goal, const Record& record, History& history) {
  const auto id = number_of(goal.name, history.goals() < bounds_.goals);
  if (!id || !has_room_for({*id, site_, 0}, history)) {
    counters_.tallies().add(Tally::left_out_goal);
    return;
  }
  set_scene(record, history);
  counters_.meet_goal(*id, static_cast<char>(goal.type), static_cast<char>(goal.format));
  reach(*id, goal.value.value_or(Decimal{}), history);
}

void Counting::count_split(const Split& split, const Record& record, History& history) {
  const auto known = history.variants();
  const bool has_room = known.size() < bounds_.variants;
  const auto name = number_of(split.name, has_room);
  const auto population = number_of(split.population, has_room);
  const Variant variant{name.value_or(0), population.value_or(0)};
  const auto number = static_cast<std::size_t>(std::ranges::find(known, variant) - known.begin());
  const bool is_new = number == known.size();
  const Row row{0, site_, static_cast<std::uint32_t>(number / Row::kVariants)};
  if ((is_new && !has_room) || !has_room_for(row, history)) {
    counters_.tallies().add(Tally::left_out_variant);
    return;
  }
  set_scene(record, history);
  counters_.meet_split(variant.split, record.at);
  if (is_new) meet_variant(variant, history);
  const auto bit = static_cast<std::uint8_t>(2u << (number % Row::kVariants));
  count_target({row, bit, {}}, history);
}

std::optional<NameId> Counting::number_of(std::string_view name, bool is_new_wanted) {
  const auto fitted = record::fit_name(name, name_storage_);
  if (is_new_wanted) return names_.id_of(fitted);
  return names_.known(fitted);
}

bool Counting::has_room_for(const Row& row, History& history) const {
  return history.goals() < bounds_.goals || history.has_row(row);
}

NameId Counting::other() {
  if (other_ == 0) other_ = names_.id_of(kOther);
  return other_;
}

void Counting::set_scene(const Record& record, History& history) {
  const auto at_s = std::chrono::floor<std::chrono::seconds>(record.at).time_since_epoch().count();
  const bool is_in_order = at_s >= history.last_s && !history.is_behind;
  const auto age = is_in_order ? History::Age::open_or_new : History::Age::any;
  bool has_opened = false;
  buckets_.clear();
  places_.clear();
  for (std::size_t i = 0; i < rollup_ids_.size(); ++i) {
    auto& bucket = buckets_.emplace_back(Bucket{rollup_ids_[i], bucket_in(i, record, history)});
    auto place = history.place_of(bucket);
    const bool is_time = rules_.rollups[i].basis == Rollup::Basis::time;
    auto bucket_age = is_time ? age : History::Age::any;
    const bool is_beyond =
        !place && (bucket.bucket == kNoRoom || !history.has_room_for(bucket, bounds_.buckets));
    if (is_beyond) {
      counters_.tallies().add(Tally::bucket_other);
      bucket.bucket = other();
      place = history.place_of(bucket);
      bucket_age = History::Age::any;
    }
    places_.push_back(place ? *place : history.open(bucket, bucket_age));
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
    // A name that no visitor needs is not made: else each page of one visitor could make one.
    const bool is_full = history.is_full(rollup_ids_[i], bounds_.buckets);
    const auto number = number_of(bucket_of(rollup, page, agent), !is_full);
    const Bucket bucket{rollup_ids_[i], number.value_or(kNoRoom)};
    const bool has_room = number && history.has_room_for(bucket, bounds_.buckets);
    history.set_trait({bucket.rollup, has_room ? bucket.bucket : kNoRoom});
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

void Counting::reach(NameId goal, Decimal value, History& history) {
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
    const auto elsewhere =
        first_here == 0 ? std::uint8_t{0} : history.marks_elsewhere(row, places_[i]);
    const auto first_anywhere = static_cast<std::uint8_t>(first_here & ~elsewhere);
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
  for (std::uint8_t bit = 1; bit <= Row::kVariants; ++bit) {
    if ((target.mask >> bit & 1) == 0) continue;
    const auto [before, after, elsewhere] = history.add_value(row, bit, target.value);
    const auto& variant = history.variants()[target.row.block * Row::kVariants + bit - 1];
    SquareKey key{target.row.goal, variant.split, variant.population, site_};
    counters_.add_square(key, SquareSum::from_units(square_of(after) - square_of(before)));
    key.site = kAllSites;
    counters_.add_square(
        key, SquareSum::from_units(square_of(elsewhere + after) - square_of(elsewhere + before)));
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
