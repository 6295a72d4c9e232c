// SPDX-License-Identifier: MIT
#include "visitor/visitor.h"

#include <algorithm>

#include "record/line.h"
#include "record/text_codec.h"

namespace manhattan {
Visitor::Visitor(std::string id, Log& log, SiteId site, Buffering buffering)
    : id_(std::move(id)),
      log_(log),
      site_(site),
      buffering_(buffering),
      at_(base::SystemClock().now()),
      head_(record::head_of(at_, id_, site_)) {}

template <class Event>
Append Visitor::write(const Event& event) {
  if (id_ == kNobody) return Append::written;
  record::Line line;
  record::encode(head_, event, line);
  if (buffering_ == Buffering::none) return log_.append(at_, line.text());
  waiting_.emplace_back(line.text());
  return Append::written;
}

Append Visitor::page(const Page& page) { return write(page); }
Append Visitor::pixel() { return write(Pixel{}); }
Append Visitor::goal(const Goal& goal) { return write(goal); }
Append Visitor::show(std::string_view split, std::string_view population) {
  has_split_ = true;
  if (!robot_.empty()) return Append::written;
  return write(Split{split, population});
}

std::string Visitor::split(std::string_view name) {
  auto population = visitor::choose_population(chooser(), name);
  show(name, population);
  return population;
}

std::string Visitor::split(std::string_view name, const std::vector<std::string>& populations) {
  auto population = visitor::choose_population(chooser(), name, populations);
  show(name, population);
  return population;
}

std::string Visitor::split(std::string_view name,
                           const std::vector<visitor::Weighted>& populations) {
  auto population = visitor::choose_population(chooser(), name, populations);
  show(name, population);
  return population;
}

std::string Visitor::take_waiting(std::size_t most_bytes) {
  std::string lines;
  auto next = waiting_.begin();
  for (; next != waiting_.end(); ++next) {
    if (lines.size() + next->size() - head_.size() > most_bytes) break;
    lines += next->erase(next->find(head_), head_.size());
  }
  waiting_.erase(waiting_.begin(), next);
  return lines;
}

Append Visitor::record_taken(std::string_view lines) {
  auto worst = Append::written;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size() - 1) + 1;
    std::string line(lines.substr(0, end));
    lines.remove_prefix(end);
    // The head stands behind the kind: `1 page`.
    line.insert(std::min(line.find_first_of("\t\n", line.find('\t') + 1), line.size()), head_);
    worst = std::max(worst, log_.append(at_, line));
  }
  return worst;
}

Append Visitor::flush() {
  auto worst = Append::written;
  if (buffering_ == Buffering::until_shown) return worst;
  for (const auto& line : waiting_) worst = std::max(worst, log_.append(at_, line));
  waiting_.clear();
  return worst;
}

}  // namespace manhattan
