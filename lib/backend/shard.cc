// SPDX-License-Identifier: MIT
#include "backend/shard.h"

#include <algorithm>
#include <utility>

#include "record/anonymize.h"

namespace manhattan::backend {
namespace {

constexpr std::size_t kMostAsked = 1000;

std::string_view without_newline(std::string_view line) noexcept {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

/// Some name of the record is too long to be kept as it is.
bool has_cut_name(const Record& record) noexcept {
  if (record::is_cut(record.visitor)) return true;
  if (const auto* goal = std::get_if<Goal>(&record.event)) return record::is_cut(goal->name);
  const auto* split = std::get_if<Split>(&record.event);
  return split != nullptr && (record::is_cut(split->name) || record::is_cut(split->population));
}

}  // namespace

count::NameId Shared::id_of(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return names_.id_of(name);
}

std::optional<count::NameId> Shared::known_id(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return names_.known(name);
}

std::vector<count::VisitorRow> Shared::find_visitors(std::span<const std::string> visitors) {
  const std::lock_guard lock(mutex_);
  return store_.find_visitors(visitors);
}

void Shared::report_skipped(std::string_view reason, const log::Pointer& end) {
  const std::lock_guard lock(mutex_);
  if (reported_.contains(reason)) return;
  reported_.emplace(reason);
  messages_.warning("first " + std::string(reason) + " ends at " + end.to_string());
}

Shard::Shard(const Options& options, const count::Rules& rules, Shared& shared)
    : options_(options),
      shared_(shared),
      names_(
          0, [&shared](std::string_view name) { return shared.id_of(name); },
          [&shared](std::string_view name) { return shared.known_id(name); }),
      counting_(rules, names_, counters_),
      robots_(rules.robots),
      cache_(options.cache_visitors),
      most_waiting_bytes_(rules.bounds.waiting_bytes == 0 ? SIZE_MAX : rules.bounds.waiting_bytes) {
}

void Shard::handle(const Work& work) {
  hour_s_ = work.hour_s;
  forgotten_before_s_ = work.forgotten_before_s;
  const auto& lines = work.lines[options_.number];
  fetch_unknown(lines);
  for (std::size_t done = 0; done < lines.size();) {
    if (options_.pulse != nullptr && options_.pulse->is_given_up()) throw base::Interrupted();
    const auto some = std::span(ahead_).first(std::min(kMostAhead, lines.size() - done));
    for (auto& ahead : some) {
      const auto line = lines[done++];
      ahead.end =
          static_cast<std::uint64_t>(line.data() - work.batch.lines.data()) + line.size() + 1;
      decode(line, ahead);
    }
    handle_ahead(some, work);
  }
  asked_for_.clear();
  load_.visitors = cache_.size();
  load_.is_overfull = cache_.is_overfull();
  load_.counters = counters_.size();
}

bool Shard::knows_all_visitors() const noexcept {
  return options_.is_store_new && cache_.is_whole();
}

void Shard::fetch_unknown(const Divider::Lines& lines) {
  if (knows_all_visitors()) return;
  std::vector<std::string> asked;
  const auto fetch = [&] {
    load_.cache_misses += static_cast<std::int64_t>(asked.size());
    for (const auto& row : shared_.find_visitors(asked)) cache_.insert(row);
    asked.clear();
  };
  for (const auto line : lines) {
    const auto visitor = raw_visitor(line);
    if (cache_.find(Key(visitor)) != nullptr || !asked_for_.insert(visitor).second) continue;
    asked.emplace_back(visitor);
    if (asked.size() == kMostAsked) fetch();
  }
  if (!asked.empty()) fetch();
}

void Shard::decode(std::string_view line, Ahead& ahead) {
  ahead.line = line;
  if (options_.is_anonymized) {
    ahead.masked.clear();
    record::append_anonymized(line, ahead.masked);
    ahead.line = without_newline(ahead.masked);
  }
  ahead.verdict = record::decode(ahead.line, ahead.scratch, ahead.record);
  if (ahead.verdict != record::Verdict::ok) return;
  ahead.visitor = Key(record::fit_name(ahead.record.visitor, ahead.id));
  cache_.prefetch(ahead.visitor);
}

// What a visitor's record needs is mostly far away in memory: that of some lines is fetched at
// once.
void Shard::handle_ahead(std::span<Ahead> lines, const Work& work) {
  for (auto& ahead : lines) {
    ahead.entry = ahead.verdict == record::Verdict::ok ? cache_.find(ahead.visitor) : nullptr;
    if (ahead.entry != nullptr) __builtin_prefetch(&ahead.entry->history, 1);
  }
  for (const auto& ahead : lines) {
    if (ahead.entry != nullptr) ahead.entry->history.prefetch();
  }
  for (auto& ahead : lines) {
    if (ahead.verdict != record::Verdict::ok) {
      counters_.tallies().add(record::reason_of(ahead.verdict));
      shared_.report_skipped(record::reason_of(ahead.verdict),
                             {work.batch.file, work.batch.offset + ahead.end});
      continue;
    }
    counters_.set_position(work.position + ahead.end);
    counters_.tallies().add(static_cast<count::Tally>(ahead.record.event.index()));
    if (has_cut_name(ahead.record)) counters_.tallies().add(count::Tally::name_clipped);
    auto& entry = entry_of(ahead);
    cache_.touch(entry);
    receive(ahead, entry);
    if (entry.history.has_changed) cache_.set_changed(entry, hour_s_);
  }
}

Shard::Entry& Shard::entry_of(Ahead& ahead) {
  if (ahead.entry != nullptr) return *ahead.entry;
  if (auto* known = cache_.find(ahead.visitor)) return *known;  // since a line or two
  std::string id;
  ahead.visitor.visitor.append_to(id);
  // An id that stands otherwise in its line (escapes, overlong) was not asked for yet.
  if (!knows_all_visitors() && !asked_for_.contains(id)) {
    ++load_.cache_misses;
    const auto rows = shared_.find_visitors(std::span(&id, 1));
    if (!rows.empty()) return cache_.insert(rows[0]);
  }
  counters_.tallies().add(count::Tally::visitor_seen);
  return cache_.insert({.visitor = id});
}

void Shard::receive(const Ahead& ahead, Entry& entry) {
  using count::Tally;
  auto& history = entry.history;
  const auto& record = ahead.record;
  const bool has_age = !history.is_human && entry.changed_s > 0;
  if (has_age && entry.changed_s < forgotten_before_s_) {
    history.clear();  // as if the store had let it go already
    counters_.tallies().add(Tally::visitor_seen);
  }
  const auto* page = std::get_if<Page>(&record.event);
  if (page != nullptr && !history.is_robot && robots_.has(page->user_agent)) leave_out(history);
  if (history.is_robot) {
    counters_.tallies().add(Tally::left_out_robot);
  } else if (std::holds_alternative<Pixel>(record.event)) {
    if (!history.is_human) release_waiting(history);
  } else if (history.is_human) {
    counting_.count(record, history);
    counters_.tallies().add(Tally::counted_records);
  } else {
    const auto dropped = history.add_waiting(without_visitor(ahead.line), most_waiting_bytes_);
    if (dropped > 0) counters_.tallies().add(Tally::waiting_dropped, dropped);
  }
}

/// The line as it waits: whose it is its history knows.
std::string_view Shard::without_visitor(std::string_view line) {
  const auto visitor = raw_visitor(line);
  scratch_.assign(line.data(), visitor.data());
  scratch_ += '-';
  scratch_.append(visitor.end(), line.end());
  return scratch_;
}

/// The visitor says that it is a robot: from here on it counts nothing, pixel or not.
void Shard::leave_out(count::History& history) {
  history.is_robot = true;
  counters_.tallies().add(count::Tally::visitor_robot);
  counters_.tallies().add(count::Tally::left_out_robot, history.waiting());
  history.take_waiting(waiting_);
}

void Shard::release_waiting(count::History& history) {
  history.is_human = true;
  counters_.tallies().add(count::Tally::visitor_human);
  history.take_waiting(waiting_);
  for (std::string_view lines = waiting_; !lines.empty();) {
    const auto line = lines.substr(0, lines.find('\n') + 1);
    lines.remove_prefix(line.size());
    Record record;
    if (record::decode(line, scratch_, record) != record::Verdict::ok) continue;  // it was, once
    counting_.count(record, history);
    counters_.tallies().add(count::Tally::counted_records);
  }
}

void Shard::trim() {
  names_.clear_new();
  cache_.trim();
  load_.visitors = cache_.size();
  load_.is_overfull = cache_.is_overfull();
  load_.counters = 0;
}

}  // namespace manhattan::backend
