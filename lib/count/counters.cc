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

void add(CounterRow& sum, const CounterRow& more) {
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
template <class Rows, class Key>
void add_rows(Rows& sum, const Rows& more, Key key) {
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

// Two multiplications that do not wait for each other; the site is the same in all of the table.
std::size_t Counters::Hash::operator()(const CounterKey& key) const noexcept {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::uint64_t kOdd[] = {0x9e3779b97f4a7c15, 0xd6e8feb86659fd93, 0xa0761d6478bd642f};
  const auto what = std::uint64_t{key.goal} << 32 | key.split;
  const auto where = std::uint64_t{key.rollup} << 32 | key.bucket;
  return mix(what ^ kOdd[0], where ^ kOdd[1]) ^ mix(key.population + kOdd[2], kOdd[0]);
}

void Counters::add(const CounterKey& key, const Hit& hit) {
  const Hashed hashed{on_all_sites(key), Hash{}(key)};
  auto& recent = recent_[hashed.hash % kMostRecent];
  if (recent.site != key.site || !(recent.key.key == hashed.key)) {
    if (recent.site != kAllSites) fetch(recent);
    recent = {hashed, key.site, {}};
  }
  recent.sum.here += hit.here;
  recent.sum.on_all_sites += hit.on_all_sites;
  if (!hit.value.is_zero()) recent.sum.value += hit.value;
}

void Counters::fetch(const Hits& hits) {
  if (pending_count_ == kMostPending) apply_oldest();
  pending_[(first_pending_ + pending_count_++) % kMostPending] = hits;
  pairs_.prefetch(hits.key);
}

void Counters::apply_oldest() {
  apply(pending_[first_pending_]);
  first_pending_ = (first_pending_ + 1) % kMostPending;
  --pending_count_;
}

void Counters::apply(const Hits& hits) {
  auto known = pairs_.find(hits.key);
  if (known == pairs_.end()) known = pairs_.try_emplace(hits.key.key).first;
  auto& pair = known->second;
  pair.on_all_sites += hits.sum.on_all_sites;
  if (pair.site == kAllSites) pair.site = hits.site;
  auto key = hits.key.key;
  key.site = hits.site;
  (pair.site == key.site ? pair.here : elsewhere_[key]) += hits.sum.here;
  if (hits.sum.value.is_zero()) return;
  values_[key] += hits.sum.value;
  values_[hits.key.key] += hits.sum.value;
}

void Counters::add_square(const SquareKey& key, SquareSum delta) { squares_[key] += delta; }

void Counters::meet_split(NameId split, UnixNanos at) {
  auto& span = splits_.try_emplace(split, SplitSpan{split, at, at}).first->second;
  span.first_at = std::min(span.first_at, at);
  span.last_at = std::max(span.last_at, at);
}

void Counters::take(Flush& flush) {
  while (pending_count_ > 0) apply_oldest();
  for (auto& recent : recent_) {
    if (recent.site != kAllSites) apply(recent);
    recent.site = kAllSites;
  }
  flush.counters.reserve(2 * pairs_.size() + elsewhere_.size());
  for (const auto& [key, pair] : pairs_) {
    flush.counters.push_back({key, {pair.on_all_sites, {}}});
    auto here = key;
    here.site = pair.site;
    flush.counters.push_back({here, {pair.here, {}}});
  }
  for (const auto& [key, count] : elsewhere_) flush.counters.push_back({key, {count, {}}});
  pairs_.clear();
  elsewhere_.clear();
  sort_by_key(flush.counters);
  for (const auto& [key, value] : values_) {
    std::ranges::lower_bound(flush.counters, key, {}, &CounterRow::first)->second.value = value;
  }
  values_.clear();
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
    add_rows(sum.counters, parts[i].counters, &CounterRow::first);
    add_rows(sum.squares, parts[i].squares, &std::pair<SquareKey, SquareSum>::first);
    add_rows(sum.splits, parts[i].splits, &SplitSpan::split);
    add_tallies(sum.tallies, parts[i].tallies);
  }
  return sum;
}

}  // namespace manhattan::count
