// SPDX-License-Identifier: MIT
#include "backend/backend.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "record/robot_names.h"

namespace manhattan {
namespace {

constexpr std::size_t kMostCounters = 1'000'000;
constexpr auto kAgents = "user-agents";
constexpr std::size_t kMostBatches = 8;  // read ahead of the threads that count

using Settings = std::map<std::string, std::string>;

/// Patterns without what is said beside them.
std::string lines_of(std::string_view patterns) {
  std::string lines;
  while (!patterns.empty()) {
    const auto line = base::trim(base::take_piece(patterns, '\n'));
    if (!line.empty() && !line.starts_with('#')) lines.append(line).append("\n");
  }
  return lines;
}

std::string digest_of(std::string_view text) {
  char digest[24];
  std::snprintf(digest, sizeof digest, "%016llx",
                static_cast<unsigned long long>(base::fnv1a(text)));
  return digest;
}

/// Manhattan's own list is the same list to a store though a later version knows more robots: else
/// each upgrade would ask for a new store.
std::string robots_of(std::string_view patterns) {
  const auto lines = lines_of(patterns);
  if (lines.empty()) return "none";
  return lines == lines_of(record::default_robots()) ? "Manhattan's own"
                                                     : "a list of digest " + digest_of(lines);
}

/// How much is remembered of one visitor, which decides what is counted; 0: no bound.
Settings bounds_of(const count::VisitorBounds& bounds) {
  return {{"visitor-buckets", std::to_string(bounds.buckets)},
          {"visitor-goals", std::to_string(bounds.goals)},
          {"visitor-variants", std::to_string(bounds.variants)},
          {"waiting-kib", std::to_string(bounds.waiting_bytes >> 10)},
          {"waiting-log-mib", std::to_string(bounds.waiting_log_bytes >> 20)}};
}

/// What a store remembers of how it was counted, by name.
Settings settings_of(const Backend::Options& options) {
  auto settings = bounds_of(options.rules.bounds);
  settings["anonymize"] = options.is_anonymized ? "yes" : "no";
  settings["robots"] = robots_of(options.rules.robots);
  if (!options.log_prefix.empty()) settings["log"] = options.log_prefix;
  for (const auto& rollup : options.rules.rollups) settings["rollup " + rollup.name] = rollup.spec;
  for (const auto& goal : options.rules.complex_goals) {
    settings["complex goal " + goal.name] = count::to_string(goal);
  }
  return settings;
}

/// Of a list that the system brings up to date: it may change, and that is told.
Settings notes_of(const count::Rules& rules) {
  const bool has_agents = std::ranges::any_of(rules.rollups, &count::Rollup::needs_agents);
  return has_agents ? Settings{{kAgents, digest_of(rules.agent_patterns)}} : Settings{};
}

}  // namespace

Backend::Backend(const Options& options, base::MessageLog& messages)
    : options_(options),
      messages_(messages),
      store_(options.location.open(options.pulse)),
      divider_(static_cast<std::size_t>(options.threads)) {
  load();
}

// Side by side, for to free a million histories takes a while.
Backend::~Backend() {
  try {
    for_each_shard([this](std::size_t i) { shards_[i].reset(); });
  } catch (...) {  // of counting that was given up: whoever gave it up knows why
  }
}

void Backend::load() {
  check_settings(store_->load().settings, options_);
  store_->claim();
  const auto state = store_->load();
  store_->check_writable();
  keep_settings(state);
  flush_number_ = state.flush_number;
  pointer_ = unflushed_pointer_ = state.pointer;
  for (const auto& [file, offset, begins] : state.segments) {
    segments_[file] = {offset, log::Fingerprint::parse(begins)};
    if (const auto hour_s = log::segment_hour_s(file, options_.log_prefix))
      hours_[*hour_s] = offset;
  }
  names_ = std::make_unique<count::Names>(
      state.largest_name, [this](std::string_view name) { return store_->find_name(name); });
  kinds_ = std::make_unique<count::GoalKinds>(
      [this](count::NameId goal) { return store_->find_goal(goal); });
  shared_ = std::make_unique<backend::Shared>(*store_, *names_, messages_);
  make_shards();
}

void Backend::make_shards() {
  backend::Shard::Options shard{.shards = static_cast<std::size_t>(options_.threads),
                                .is_anonymized = options_.is_anonymized,
                                .is_store_new = flush_number_ == 0,
                                .pulse = options_.pulse};
  shard.cache_visitors =
      std::max<std::size_t>(1, static_cast<std::size_t>(options_.cache_visitors) / shard.shards);
  for (; shard.number < shard.shards; ++shard.number) {
    shards_.push_back(std::make_unique<backend::Shard>(shard, options_.rules, *shared_));
    if (shard.shards > 1) lanes_.push_back(std::make_unique<base::Lane>(kMostBatches));
  }
}

void Backend::check_settings(const std::map<std::string, std::string>& settings,
                             const Options& options) {
  const auto wanted = settings_of(options);
  for (const auto& [name, value] : settings) {
    const auto found = wanted.find(name);
    if (name == kAgents) continue;
    if (found != wanted.end() && found->second == value) continue;
    throw ConfigError("'" + options.location.to_string() + "' was counted with " + name + " '" +
                      value + "': keep that, or count into a new store with manhattan-replay");
  }
}

void Backend::keep_settings(const store::State& state) {
  const bool is_counted = state.flush_number > 0;
  for (const auto& [name, value] : settings_of(options_)) {
    if (state.settings.contains(name)) continue;
    const bool is_rule = name.starts_with("rollup ") || name.starts_with("complex goal ");
    if (is_counted && is_rule) {
      messages_.warning(name + " is new: it counts from now on");
    } else if (is_counted) {  // an earlier version did not remember it
      messages_.info(name + " " + value + " holds from now on");
    }
    store_->set(name, value);
  }
  for (const auto& [name, value] : notes_of(options_.rules)) {
    const auto known = state.settings.find(name);
    if (known != state.settings.end() && known->second == value) continue;
    if (is_counted && known != state.settings.end())
      messages_.notice("the patterns of --" + name +
                       " have changed: browsers, systems and devices are told by them from now on");
    store_->set(name, value);
  }
}

bool Backend::is_flush_due() const noexcept {
  // What is not flushed can't be let go: so many visitors and counters at once are enough. Fewer
  // flushes are cheaper, for each writes the history of every visitor met since the last.
  std::size_t counters = 0;
  for (const auto& shard : shards_) counters += shard->load().counters;
  return unflushed_records_ >= options_.flush_every_records || counters >= kMostCounters ||
         std::ranges::any_of(shards_,
                             [](const auto& shard) { return shard->load().is_overfull.load(); });
}

std::int64_t Backend::cached_visitors() const noexcept {
  std::size_t visitors = 0;
  for (const auto& shard : shards_) visitors += shard->load().visitors;
  return static_cast<std::int64_t>(visitors);
}

std::int64_t Backend::cache_misses() const noexcept {
  std::int64_t misses = 0;
  for (const auto& shard : shards_) misses += shard->load().cache_misses;
  return misses;
}

void Backend::handle(const log::Batch& batch) {
  const auto hour_s = log::segment_hour_s(batch.file, options_.log_prefix).value_or(0);
  if (hour_s != std::exchange(hour_s_, hour_s)) forgotten_before_s_ = forgotten_before(hour_s);
  if (!batch.lines.empty()) count_lines(batch);
  const log::Pointer end{batch.file, batch.offset + batch.lines.size() + batch.skipped_bytes};
  if (batch.skipped_bytes > 0) {
    tallies_.add("skipped_too_long");
    shared_->report_skipped("skipped_too_long", end);
  }
  if (hour_s > 0) hours_[hour_s] = end.offset;
  auto& handled = unflushed_.try_emplace(end.file, segments_[end.file]).first->second;
  handled.offset = end.offset;
  if (batch.offset == 0 || !batch.begins.is_empty()) handled.begins = batch.begins;
  unflushed_pointer_ = end.to_string();
}

/// The hour that this one proves. A file alone, years ahead of the others, proves nothing: each
/// hour that is there moves time on by a day at most. A log that was quiet for longer catches up
/// with its next hours. Of the hours up to this one, so that it is the same live and in a rebuild.
std::int64_t Backend::proven_hour(std::int64_t hour_s) const {
  constexpr std::int64_t kMostStepS = 24 * 3600;
  if (hours_.empty() || hour_s <= hours_.begin()->first) return hour_s;
  auto proven_s = hours_.begin()->first;
  for (const auto& [each_s, bytes] : hours_) {
    if (each_s > hour_s) break;
    proven_s = std::min(each_s, proven_s + kMostStepS);
  }
  return std::max(proven_s, std::min(hour_s, proven_s + kMostStepS));
}

/// By whole segments before this one, whose length does not change any more: it is the same in
/// whatever pieces the log is read, and in whatever order visitors are looked at.
std::int64_t Backend::forgotten_before(std::int64_t hour_s) const {
  const auto too_old_s = proven_hour(hour_s) - backend::kForgottenAfterS;
  const auto most = options_.rules.bounds.waiting_log_bytes;
  if (most == 0) return too_old_s;
  std::uint64_t bytes = 0;
  for (auto hour = hours_.lower_bound(hour_s); hour != hours_.begin();) {
    --hour;
    bytes += hour->second;
    if (bytes > most || hour->first <= too_old_s) return std::max(too_old_s, hour->first);
  }
  return too_old_s;
}

void Backend::count_lines(const log::Batch& batch) {
  // With one shard it is counted when this returns: its memory is used again.
  if (!lanes_.empty() || !work_) work_ = std::make_shared<backend::Shard::Work>();
  const auto& work = work_;
  work->batch = batch;
  // Threads of their own are still at it when the tailer reads on.
  if (!lanes_.empty()) work->batch.lines = work->text = batch.lines;
  work->hour_s = hour_s_;
  work->forgotten_before_s = forgotten_before_s_;
  work->position = std::exchange(handled_bytes_, handled_bytes_ + batch.lines.size());
  divider_.divide(work->batch.lines, work->lines);
  for (const auto& lines : work->lines) unflushed_records_ += std::ssize(lines);
  if (lanes_.empty()) return shards_[0]->handle(*work);
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    lanes_[i]->post([shard = shards_[i].get(), work] { shard->handle(*work); });
}

void Backend::for_each_shard(const std::function<void(std::size_t)>& job) {
  if (lanes_.empty()) return job(0);
  try {
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i]->post([&job, i] { job(i); });
    for (auto& lane : lanes_) lane->wait();
  } catch (...) {
    for (auto& lane : lanes_) lane->settle();  // nobody is at the job any more
    throw;
  }
}

void Backend::flush() {
  if (!has_unflushed()) return;
  std::vector<count::Flush> parts(shards_.size());
  std::vector<count::SightingsByGoal> sightings(shards_.size());
  std::vector<backend::HistoryCache::Changed> changed(shards_.size());
  for_each_shard([&](std::size_t i) {
    shards_[i]->counters().take(parts[i]);
    sightings[i] = shards_[i]->counters().take_sightings();
    changed[i] = shards_[i]->cache().take_changed();
  });
  auto flush = count::merged(std::move(parts));
  flush.number = flush_number_ + 1;
  flush.names = names_->new_names();
  kinds_->settle(sightings, flush);
  for (auto& tally : tallies_.take()) flush.tallies.push_back(std::move(tally));
  backend::PackedRows rows(std::move(changed), lanes_.empty() ? nullptr : lanes_[0].get());
  flush.visitors = {rows.size(), [&rows] { return rows.next(); }};
  for (const auto& [file, handled] : unflushed_)
    flush.segments.push_back({file, handled.offset, handled.begins.to_text()});
  flush.pointer = unflushed_pointer_;
  if (hour_s_ > 0) flush.forget_before_s = forgotten_before_s_;
  store_->commit(flush);
  flush_number_ = flush.number;
  names_->clear_new();
  for (auto& shard : shards_) shard->trim();
  for (const auto& [file, handled] : unflushed_) segments_[file] = handled;
  unflushed_.clear();
  unflushed_records_ = 0;
  pointer_ = unflushed_pointer_;
}

}  // namespace manhattan
