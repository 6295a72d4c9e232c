// SPDX-License-Identifier: MIT
#include "backend/answers.h"

#include "backend/pixel_alarm.h"
#include "record/text_codec.h"

namespace manhattan::backend {
namespace {

/// The goal that every page record reaches.
constexpr const char* kViewedPage = "viewed page";

/// One state of the store for as long as it lives.
class Snapshot {
 public:
  explicit Snapshot(store::Reader& reader) : reader_(reader) { reader_.begin(); }
  ~Snapshot() { reader_.end(); }
  Snapshot(const Snapshot&) = delete;

 private:
  store::Reader& reader_;
};

/// `name` as it was counted: too long a one was cut then.
std::string fitted(const std::string& name) {
  std::string storage;
  return std::string(record::fit_name(name, storage));
}

store::CounterQuery query_of(const std::string& goal, const Cell& cell) {
  if (goal.empty() && !cell.variant) throw ConfigError("neither a goal nor a variant was named");
  store::CounterQuery query{.goal = fitted(goal), .rollup = cell.rollup, .site = cell.site};
  if (cell.variant) {
    query.split = fitted(cell.variant->split);
    query.population = fitted(cell.variant->population);
  }
  return query;
}

/// Whether values of this type are divided by the visitors who viewed a page.
bool is_per_viewer(char value_type) noexcept { return value_type == 'I' || value_type == 'R'; }

/// The value where `viewed` visitors viewed a page; that matters per viewer only.
GoalValue value_of(char value_type, const store::Counter& counter, std::int64_t viewed) {
  const auto converted = Decimal::from_integer(counter.count);
  switch (value_type) {
    case 'S':
      return {counter.value, 1};
    case 'A':
      return {counter.value, counter.count};
    case 'I':
      return {counter.value, viewed};
    case 'R':
      return {converted, viewed};
    default:
      return {converted, 1};
  }
}

char type_of(store::Reader& reader, const std::string& goal) {
  const auto found = reader.goal(fitted(goal));
  return found ? found->value_type : '\0';
}

/// Visitors who viewed a page in the cell of `query` and `bucket`, where values are divided by
/// them.
std::int64_t viewed_in(store::Reader& reader, char value_type, store::CounterQuery query,
                       const std::string& bucket) {
  if (!is_per_viewer(value_type)) return 0;
  query.goal = kViewedPage;
  return reader.counter(query, bucket).count;
}

std::vector<SeriesPoint> points_of(store::Reader& reader, const store::CounterQuery& query,
                                   std::vector<store::BucketCounter> buckets) {
  const auto goal = reader.goal(query.goal);
  const char value_type = goal ? goal->value_type : '\0';
  std::vector<SeriesPoint> points;
  for (auto& [bucket, counter] : buckets) {
    const auto viewed = viewed_in(reader, value_type, query, bucket);
    const auto value = value_of(value_type, counter, viewed);
    points.push_back({std::move(bucket), counter.count, counter.value, value});
  }
  return points;
}

std::int64_t without_pixel(const std::map<std::string, std::int64_t>& tallies) {
  const auto tally = [&](const char* name) {
    const auto found = tallies.find(name);
    return found == tallies.end() ? 0 : found->second;
  };
  return tally("visitor_seen") - tally("visitor_human");
}

}  // namespace

double GoalValue::to_double() const noexcept {
  return denominator <= 0 ? 0 : numerator.to_double() / static_cast<double>(denominator);
}

Decimal GoalValue::to_decimal() const noexcept {
  if (denominator <= 0) return {};
  const __int128 nanos = numerator.units();
  const __int128 magnitude = nanos < 0 ? -nanos : nanos;
  __int128 quotient = magnitude / denominator;
  const __int128 twice_left = magnitude % denominator * 2;
  if (twice_left > denominator || (twice_left == denominator && quotient % 2 != 0)) ++quotient;
  return Decimal::from_units(nanos < 0 ? -quotient : quotient);
}

std::int64_t Answers::count(const std::string& goal, const Cell& cell) {
  const auto query = query_of(goal, cell);
  const Snapshot snapshot(*reader_);
  return reader_->counter(query, cell.bucket).count;
}

GoalResult Answers::goal_result(const std::string& goal, const Cell& cell) {
  const auto query = query_of(goal, cell);
  const auto counter = reader_->counter(query, cell.bucket);
  GoalResult result{.goal = goal,
                    .value_type = type_of(*reader_, goal),
                    .conversions = counter.count,
                    .sum = counter.value,
                    .value = {}};
  const auto viewed = viewed_in(*reader_, result.value_type, query, cell.bucket);
  result.value = value_of(result.value_type, counter, viewed);
  return result;
}

GoalResult Answers::variant_result(const std::string& goal, const Cell& cell) {
  auto result = goal_result(goal, cell);
  const char type = result.value_type;
  if (type == 'S' || type == 'A' || type == 'I') {
    result.squares = reader_->square(query_of(goal, cell));
  }
  if (type == 'I') result.viewers = result.value.denominator;
  return result;
}

GoalResult Answers::goal_value(const std::string& goal, const Cell& cell) {
  const Snapshot snapshot(*reader_);
  return goal_result(goal, cell);
}

std::vector<store::SplitInfo> Answers::all_tests() {
  const Snapshot snapshot(*reader_);
  return reader_->splits();
}

std::vector<store::GoalInfo> Answers::all_goals() {
  const Snapshot snapshot(*reader_);
  return reader_->goals();
}

SplitResult Answers::results(const std::string& split, const std::vector<std::string>& goals,
                             std::int32_t site) {
  const Snapshot snapshot(*reader_);
  SplitResult results;
  for (auto& info : reader_->splits()) {
    if (info.name == fitted(split)) results.info = std::move(info);
  }
  for (const auto& population : reader_->populations(fitted(split))) {
    const Cell cell{.variant = Variant{split, population}, .site = site};
    PopulationResult result{.population = population, .goals = {}};
    result.visitors = reader_->counter(query_of({}, cell), cell.bucket).count;
    for (const auto& goal : goals) result.goals.push_back(variant_result(goal, cell));
    results.populations.push_back(std::move(result));
  }
  results.visitors_without_pixel = without_pixel(reader_->tallies());
  results.visitors_in_several = reader_->shown_several(fitted(split), site);
  return results;
}

std::vector<SeriesPoint> Answers::series(const std::string& goal, const Cell& cell,
                                         const std::string& first, const std::string& last,
                                         std::size_t most) {
  const auto query = query_of(goal, cell);
  const Snapshot snapshot(*reader_);
  return points_of(*reader_, query, reader_->series(query, first, last, most));
}

std::vector<SeriesPoint> Answers::largest(const std::string& goal, const Cell& cell,
                                          std::size_t most) {
  const auto query = query_of(goal, cell);
  const Snapshot snapshot(*reader_);
  return points_of(*reader_, query, reader_->largest(query, most));
}

Answers::Status Answers::status() {
  const Snapshot snapshot(*reader_);
  Status status{reader_->tallies(), reader_->pointer()};
  const bool is_missing = pixels_of(status.tallies) == Pixels::missing;
  if (is_missing) status.warnings.push_back(missing_pixel_text(status.tallies));
  status.tallies["pixel_missing"] = is_missing;
  status.tallies["visitor_without_pixel"] = without_pixel(status.tallies);
  return status;
}

std::string Answers::pointer() {
  const Snapshot snapshot(*reader_);
  return reader_->pointer();
}

}  // namespace manhattan::backend
