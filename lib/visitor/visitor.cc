// SPDX-License-Identifier: MIT
#include "visitor/visitor.h"

#include <algorithm>

#include "record/text_codec.h"

namespace manhattan {
namespace {

// So that a request's first record costs one allocation, and not one each time its line doubles.
constexpr std::size_t kUsualBytes = 384;

}  // namespace

Visitor::Visitor(std::string id, Log& log, SiteId site, Buffering buffering)
    : id_(std::move(id)),
      log_(log),
      site_(site),
      buffering_(buffering),
      at_(base::SystemClock().now()) {}

Append Visitor::page(const Page& page) { return write(page); }
Append Visitor::pixel() { return write(Pixel{}); }
Append Visitor::goal(const Goal& goal) { return write(goal); }
Append Visitor::show(std::string_view split, std::string_view population) {
  return write(Split{split, population});
}

std::string Visitor::split(std::string_view name) {
  auto population = visitor::choose_population(id_, name);
  show(name, population);
  return population;
}

std::string Visitor::split(std::string_view name, const std::vector<std::string>& populations) {
  auto population = visitor::choose_population(id_, name, populations);
  show(name, population);
  return population;
}

std::string Visitor::split(std::string_view name,
                           const std::vector<visitor::Weighted>& populations) {
  auto population = visitor::choose_population(id_, name, populations);
  show(name, population);
  return population;
}

Append Visitor::flush() {
  auto worst = Append::written;
  for (const auto& line : waiting_) worst = std::max(worst, log_.append(at_, line));
  waiting_.clear();
  return worst;
}

Append Visitor::write(decltype(Record::event) event) {
  line_.clear();
  line_.reserve(kUsualBytes);
  record::encode({at_, id_, site_, std::move(event)}, line_);
  if (buffering_ == Buffering::none) return log_.append(at_, line_);
  waiting_.push_back(line_);
  return Append::written;
}

}  // namespace manhattan
