// SPDX-License-Identifier: MIT
#include "backend/backend.h"

#include <algorithm>
#include <utility>

#include "record/anonymize.h"

namespace manhattan {
namespace {

constexpr std::size_t kMostAsked = 1000;
constexpr std::size_t kMostCounters = 1'000'000;
// A cookie lives for a year after the visitor's last page: who never proved to be human and was not
// met for twice that does not come back.
constexpr std::int64_t kForgottenAfterS = 2 * 366 * 86400;
constexpr std::size_t kVisitorField = 3;

/// Calls `use` with each line and its place in `lines`.
template <class Use>
void for_each_line(std::string_view lines, Use use) {
  for (std::size_t start = 0; start < lines.size();) {
    const auto newline = std::min(lines.find('\n', start), lines.size());
    use(lines.substr(start, newline - start), newline + 1);
    start = newline + 1;
  }
}

/// The visitor of a line as it stands there, escapes and all.
std::string_view raw_visitor(std::string_view line) noexcept {
  for (std::size_t i = 0; i < kVisitorField; ++i) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return {};
    line.remove_prefix(tab + 1);
  }
  return line.substr(0, line.find('\t'));
}

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

/// What a store remembers of how it was counted, by name.
std::map<std::string, std::string> settings_of(const Backend::Options& options) {
  std::map<std::string, std::string> settings;
  if (!options.log_prefix.empty()) settings["log"] = options.log_prefix;
  for (const auto& rollup : options.rules.rollups) settings["rollup " + rollup.name] = rollup.spec;
  for (const auto& goal : options.rules.complex_goals) {
    settings["complex goal " + goal.name] = count::to_string(goal);
  }
  return settings;
}

}  // namespace

Backend::Backend(const Options& options, base::MessageLog& messages)
    : options_(options),
      messages_(messages),
      store_(options.location.open(options.pulse)),
      robots_(options.rules.robots),
      cache_(static_cast<std::size_t>(options.cache_visitors)) {
  load();
}

Backend::~Backend() = default;

void Backend::load() {
  const auto state = store_->load();
  check_settings(state);
  flush_number_ = state.flush_number;
  was_new_ = flush_number_ == 0;
  pointer_ = unflushed_pointer_ = state.pointer;
  for (const auto& [file, offset] : state.segments) segments_[file] = offset;
  names_ = std::make_unique<count::Names>(
      state.largest_name, [this](std::string_view name) { return store_->find_name(name); });
  counters_ = std::make_unique<count::Counters>(
      [this](count::NameId goal) { return store_->find_goal(goal); });
  counting_ = std::make_unique<count::Counting>(options_.rules, *names_, *counters_);
}

void Backend::check_settings(const store::State& state) {
  const auto wanted = settings_of(options_);
  for (const auto& [name, value] : state.settings) {
    const auto found = wanted.find(name);
    if (found != wanted.end() && found->second == value) continue;
    throw ConfigError("'" + options_.location.to_string() + "' was counted with " + name + " '" +
                      value + "': keep that, or count into a new store with manhattan-replay");
  }
  for (const auto& [name, value] : wanted) {
    if (state.settings.contains(name)) continue;
    if (state.flush_number > 0) messages_.warning(name + " is new: it counts from now on");
    store_->set(name, value);
  }
}

bool Backend::is_flush_due() const noexcept {
  // What is not flushed can't be let go: so many visitors and counters at once are enough. Fewer
  // flushes are cheaper, for each writes the history of every visitor met since the last.
  return unflushed_records_ >= options_.flush_every_records || counters_->size() >= kMostCounters ||
         cache_.size() >= 2 * static_cast<std::size_t>(options_.cache_visitors);
}

void Backend::handle(const log::Batch& batch) {
  fetch_unknown(batch.lines);
  hour_s_ = log::segment_hour_s(batch.file, options_.log_prefix).value_or(0);
  std::size_t taken = 0;
  for_each_line(batch.lines, [&](std::string_view line, std::size_t end) {
    decode(line, batch.offset + end, ahead_[taken]);
    if (++taken < kMostAhead) return;
    handle_ahead(ahead_, batch.file);
    taken = 0;
  });
  handle_ahead(std::span(ahead_).first(taken), batch.file);
  const log::Pointer end{batch.file, batch.offset + batch.lines.size() + batch.skipped_bytes};
  asked_for_.clear();
  if (batch.skipped_bytes > 0) skip("skipped_too_long", end);
  unflushed_[end.file] = end.offset;
  unflushed_pointer_ = end.to_string();
}

bool Backend::knows_all_visitors() const noexcept { return was_new_ && cache_.is_whole(); }

void Backend::fetch_unknown(std::string_view lines) {
  if (knows_all_visitors()) return;
  std::vector<std::string> asked;
  const auto fetch = [&] {
    cache_misses_ += static_cast<std::int64_t>(asked.size());
    for (const auto& row : store_->find_visitors(asked)) cache_.insert(row);
    asked.clear();
  };
  for_each_line(lines, [&](std::string_view line, std::size_t) {
    const auto visitor = raw_visitor(line);
    if (cache_.find(Key(visitor)) != nullptr || !asked_for_.insert(visitor).second) return;
    asked.emplace_back(visitor);
    if (asked.size() == kMostAsked) fetch();
  });
  if (!asked.empty()) fetch();
}

void Backend::decode(std::string_view line, std::uint64_t end, Ahead& ahead) {
  ahead.line = line;
  ahead.end = end;
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
void Backend::handle_ahead(std::span<Ahead> lines, const std::string& file) {
  for (auto& ahead : lines) {
    ahead.entry = ahead.verdict == record::Verdict::ok ? cache_.find(ahead.visitor) : nullptr;
    if (ahead.entry != nullptr) __builtin_prefetch(&ahead.entry->history, 1);
  }
  for (const auto& ahead : lines) {
    if (ahead.entry != nullptr) ahead.entry->history.prefetch();
  }
  for (auto& ahead : lines) {
    ++unflushed_records_;
    if (ahead.verdict != record::Verdict::ok) {
      skip(record::reason_of(ahead.verdict), {file, ahead.end});
      continue;
    }
    counters_->tallies().add(static_cast<count::Tally>(ahead.record.event.index()));
    if (has_cut_name(ahead.record)) counters_->tallies().add(count::Tally::name_clipped);
    auto& entry = entry_of(ahead);
    cache_.touch(entry);
    receive(ahead, entry);
    if (entry.history.has_changed) cache_.set_changed(entry, hour_s_);
  }
}

Backend::Entry& Backend::entry_of(Ahead& ahead) {
  if (ahead.entry != nullptr) return *ahead.entry;
  if (auto* known = cache_.find(ahead.visitor)) return *known;  // since a line or two
  std::string id;
  ahead.visitor.visitor.append_to(id);
  // An id that stands otherwise in its line (escapes, overlong) was not asked for yet.
  if (!knows_all_visitors() && !asked_for_.contains(id)) {
    ++cache_misses_;
    const auto rows = store_->find_visitors(std::span(&id, 1));
    if (!rows.empty()) return cache_.insert(rows[0]);
  }
  counters_->tallies().add(count::Tally::visitor_seen);
  return cache_.insert({.visitor = id});
}

void Backend::receive(const Ahead& ahead, Entry& entry) {
  using count::Tally;
  auto& history = entry.history;
  const auto& record = ahead.record;
  const bool has_age = !history.is_human && entry.changed_s > 0;
  if (has_age && hour_s_ - entry.changed_s > kForgottenAfterS) {
    history = {};  // as if the store had let it go already
    counters_->tallies().add(Tally::visitor_seen);
  }
  const auto* page = std::get_if<Page>(&record.event);
  if (page != nullptr && !history.is_robot && robots_.has(page->user_agent)) leave_out(history);
  if (history.is_robot) {
    counters_->tallies().add(Tally::left_out_robot);
  } else if (std::holds_alternative<Pixel>(record.event)) {
    if (!history.is_human) release_waiting(history);
  } else if (history.is_human) {
    counting_->count(record, history);
    counters_->tallies().add(Tally::counted_records);
  } else {
    auto& waiting = history.rare().waiting;
    waiting.emplace_back(ahead.line);
    if (waiting.size() <= count::History::kMostWaiting) return;
    waiting.erase(waiting.begin());
    counters_->tallies().add(Tally::waiting_dropped);
  }
}

/// The visitor says that it is a robot: from here on it counts nothing, pixel or not.
void Backend::leave_out(count::History& history) {
  history.is_robot = true;
  counters_->tallies().add(count::Tally::visitor_robot);
  counters_->tallies().add(count::Tally::left_out_robot,
                           static_cast<std::int64_t>(std::as_const(history).rare().waiting.size()));
  history.forget_waiting();
}

void Backend::release_waiting(count::History& history) {
  history.is_human = true;
  counters_->tallies().add(count::Tally::visitor_human);
  const auto waiting = std::exchange(history.rare().waiting, {});
  history.forget_waiting();
  for (const auto& line : waiting) {
    Record record;
    if (record::decode(line, scratch_, record) != record::Verdict::ok) continue;  // it was, once
    counting_->count(record, history);
    counters_->tallies().add(count::Tally::counted_records);
  }
}

void Backend::skip(std::string_view reason, const log::Pointer& where) {
  counters_->tallies().add(reason);
  if (!reported_reasons_.emplace(reason, true).second) return;
  messages_.warning("first " + std::string(reason) + " ends at " + where.to_string());
}

void Backend::flush() {
  if (!has_unflushed()) return;
  count::Flush flush;
  flush.number = flush_number_ + 1;
  flush.names = names_->new_names();
  counters_->take(flush);
  backend::PackedRows rows(cache_.take_changed());
  flush.more_visitors = {rows.size(), [&rows] { return rows.next(); }};
  for (const auto& [file, offset] : unflushed_) flush.segments.push_back({file, offset});
  flush.pointer = unflushed_pointer_;
  if (hour_s_ > 0) flush.forget_before_s = hour_s_ - kForgottenAfterS;
  store_->commit(flush);
  flush_number_ = flush.number;
  names_->clear_new();
  for (const auto& [file, offset] : unflushed_) segments_[file] = offset;
  unflushed_.clear();
  unflushed_records_ = 0;
  pointer_ = unflushed_pointer_;
  cache_.trim();
}

}  // namespace manhattan
