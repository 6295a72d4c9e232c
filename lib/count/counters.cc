// SPDX-License-Identifier: MIT
#include "count/counters.h"

#include <algorithm>
#include <functional>

namespace manhattan::count {
namespace {

CounterKey on_all_sites(CounterKey key) noexcept {
  key.site = kAllSites;
  return key;
}

template <class Pairs>
void sort_by_key(Pairs& pairs) {
  std::sort(pairs.begin(), pairs.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
}

void add(std::pair<CounterKey, CounterDelta>& sum,
         const std::pair<CounterKey, CounterDelta>& more) {
  sum.second.count += more.second.count;
  sum.second.value += more.second.value;
}

void add(std::pair<SquareKey, SquareSum>& sum, const std::pair<SquareKey, SquareSum>& more) {
  sum.second += more.second;
}

void add(SplitSpan& sum, const SplitSpan& more) {
  sum.first_at = std::min(sum.first_at, more.first_at);
  sum.last_at = std::max(sum.last_at, more.last_at);
}

/// Both in order of `key`, each key once, as the result is.
template <class Row, class Key>
void add_rows(std::vector<Row>& sum, const std::vector<Row>& more, Key key) {
  const auto middle = static_cast<std::ptrdiff_t>(sum.size());
  sum.insert(sum.end(), more.begin(), more.end());
  std::ranges::inplace_merge(sum, sum.begin() + middle, {}, key);
  std::size_t rows = 0;
  for (const auto& row : sum) {
    if (rows > 0 && std::invoke(key, sum[rows - 1]) == std::invoke(key, row)) {
      add(sum[rows - 1], row);
    } else {
      sum[rows++] = row;
    }
  }
  sum.resize(rows);
}

void add_tallies(std::vector<TallyDelta>& sum, const std::vector<TallyDelta>& more) {
  for (const auto& tally : more) {
    const auto known = std::ranges::find(sum, tally.name, &TallyDelta::name);
    if (known == sum.end()) {
      sum.push_back(tally);
    } else {
      known->count += tally.count;
    }
  }
}

}  // namespace

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
  for (const auto& [split, span] : splits_) flush.splits.push_back(span);
  splits_.clear();
  flush.tallies = tallies_.take();
}

Flush merged(std::vector<Flush> parts) {
  auto sum = std::move(parts.at(0));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    add_rows(sum.counters, parts[i].counters, &std::pair<CounterKey, CounterDelta>::first);
    add_rows(sum.squares, parts[i].squares, &std::pair<SquareKey, SquareSum>::first);
    add_rows(sum.splits, parts[i].splits, &SplitSpan::split);
    add_tallies(sum.tallies, parts[i].tallies);
  }
  return sum;
}

}  // namespace manhattan::count
