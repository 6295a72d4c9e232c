// SPDX-License-Identifier: MIT
#include "count/counters.h"

#include <algorithm>

namespace manhattan::count {
namespace {

constexpr std::size_t kMostGoals = 100'000;

CounterKey on_all_sites(CounterKey key) noexcept {
  key.site = kAllSites;
  return key;
}

template <class Pairs>
void sort_by_key(Pairs& pairs) {
  std::sort(pairs.begin(), pairs.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
}

}  // namespace

Counters::Counters(FindGoal find) : find_goal_(std::move(find)) {}

void Counters::add(const CounterKey& key, const Hit& hit) {
  if (pending_count_ == kMostPending) {
    apply(pending_[first_pending_]);
    first_pending_ = (first_pending_ + 1) % kMostPending;
    --pending_count_;
  }
  auto& pending = pending_[(first_pending_ + pending_count_++) % kMostPending];
  pending.key.key = on_all_sites(key);
  pending.key.hash = Hash{}(pending.key.key);
  pending.site = key.site;
  pending.hit = hit;
  pairs_.prefetch(pending.key);
}

void Counters::apply(const Pending& pending) {
  const auto& hit = pending.hit;
  auto known = pairs_.find(pending.key);
  if (known == pairs_.end()) known = pairs_.try_emplace(pending.key.key).first;
  auto& pair = known->second;
  pair.on_all_sites += hit.on_all_sites;
  if (pair.site == kAllSites) pair.site = pending.site;
  if (pair.site == pending.site) {
    pair.here += hit.here;
    if (!hit.value.is_zero()) pair.value += hit.value;
    return;
  }
  auto key = pending.key.key;
  key.site = pending.site;
  auto& delta = elsewhere_[key];
  delta.count += hit.here;
  delta.value += hit.value;
}

void Counters::add_square(const SquareKey& key, SquareSum delta) { squares_[key] += delta; }

void Counters::meet_goal(NameId goal, char value_type, char value_format) {
  auto [known, is_new] = goals_.try_emplace(goal, GoalKind{goal, 0, 0});
  auto& kind = known->second;
  const auto stored = is_new && find_goal_ ? find_goal_(goal) : std::nullopt;
  if (stored) kind = *stored;
  const auto before = kind;
  if (kind.value_type == 0) kind.value_type = value_type;
  if (kind.value_format == 0) kind.value_format = value_format;
  const bool is_unstored = is_new && !stored;
  if (is_unstored || kind != before) changed_goals_[goal] = kind;
  if (value_type != 0 && value_type != kind.value_type) tallies_.add(Tally::value_type_conflict);
}

void Counters::meet_split(NameId split, UnixNanos at) {
  auto& span = splits_.try_emplace(split, SplitSpan{split, at, at}).first->second;
  span.first_at = std::min(span.first_at, at);
  span.last_at = std::max(span.last_at, at);
}

void Counters::take(Flush& flush) {
  for (; pending_count_ > 0; --pending_count_) {
    apply(pending_[first_pending_]);
    first_pending_ = (first_pending_ + 1) % kMostPending;
  }
  flush.counters.assign(elsewhere_.begin(), elsewhere_.end());
  flush.counters.reserve(2 * pairs_.size() + elsewhere_.size());
  absl::flat_hash_map<CounterKey, Decimal> further;
  for (const auto& [key, delta] : elsewhere_) further[on_all_sites(key)] += delta.value;
  for (const auto& [key, pair] : pairs_) {
    const auto more = further.find(key);
    const auto value = more == further.end() ? pair.value : pair.value + more->second;
    flush.counters.push_back({key, {pair.on_all_sites, value}});
    auto here = key;
    here.site = pair.site;
    flush.counters.push_back({here, {pair.here, pair.value}});
  }
  pairs_.clear();
  elsewhere_.clear();
  sort_by_key(flush.counters);
  flush.squares.assign(squares_.begin(), squares_.end());
  squares_.clear();
  sort_by_key(flush.squares);
  for (const auto& [goal, kind] : changed_goals_) flush.goals.push_back(kind);
  changed_goals_.clear();
  if (goals_.size() > kMostGoals) goals_.clear();  // the store knows them
  for (const auto& [split, span] : splits_) flush.splits.push_back(span);
  splits_.clear();
  flush.tallies = tallies_.take();
}

}  // namespace manhattan::count
