// SPDX-License-Identifier: MIT
#include "http/environment.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace manhattan::http {
namespace {

/// HTTP_PROXY: httpoxy, a request header that HTTP clients take for a setting. LD_*: would choose
/// what code a child loads. FCGI_ROLE is libfcgi's own.
inline bool is_forbidden(std::string_view name) noexcept {
  return name.empty() || name == "HTTP_PROXY" || name == "FCGI_ROLE" || name.starts_with("LD_");
}

}  // namespace

inline Environment::Place Environment::find(std::string_view name) const noexcept {
  const auto kind = kind_of(name);
  auto index = kinds_[kind];
  while (index != 0 && variables_[index - 1].name() != name) index = variables_[index - 1].next;
  return {index, kind};
}

void Environment::add(std::string_view name, std::string_view value) {
  if (name.find('=') != name.npos || name.find('\0') != name.npos || is_forbidden(name)) return;
  const auto place = find(name);
  if (place.index == 0 || !name.starts_with("HTTP_")) return put(place, name, value);
  extend(variables_[place.index - 1], name == "HTTP_COOKIE" ? "; " : ", ", value);
}

void Environment::add(std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == assignment.npos) return;
  add(assignment.substr(0, equals), assignment.substr(equals + 1));
}

void Environment::borrow(char* const* block) {
  // No web server sends more, and who looks for what is behind them would make work without end.
  constexpr std::size_t kMost = 1000;
  for (; block != nullptr && *block != nullptr && variables_.size() < kMost; ++block) {
    const auto* const equals = std::strchr(*block, '=');
    if (equals == nullptr) continue;
    const std::string_view name(*block, static_cast<std::size_t>(equals - *block));
    if (is_forbidden(name)) continue;
    const auto place = find(name);
    if (place.index != 0) {
      add(name, equals + 1);
    } else {
      append(place.kind, *block, name.size(), std::strlen(equals + 1));
    }
  }
}

void Environment::set(std::string_view name, std::string_view value) {
  put(find(name), name, value);
}

void Environment::put(Place place, std::string_view name, std::string_view value) {
  // A NUL would end the string early in the child: the rest of the value is cut here instead.
  value = value.substr(0, value.find('\0'));
  auto* const assignment = texts_.take(name.size() + value.size() + 2);
  auto* end = std::copy(name.begin(), name.end(), assignment);
  *end++ = '=';
  *std::copy(value.begin(), value.end(), end) = '\0';
  if (place.index == 0) return append(place.kind, assignment, name.size(), value.size());
  auto& variable = variables_[place.index - 1];
  variable.assignment = assignment;
  variable.value_size = static_cast<std::uint32_t>(value.size());
  variable.room = 0;
}

void Environment::extend(Variable& variable, std::string_view separator, std::string_view value) {
  value = value.substr(0, value.find('\0'));
  const auto size = variable.value_size + separator.size() + value.size();
  if (size > variable.room) {
    // Twice as much: a header that comes thousands of times must not be copied as often.
    auto* const larger = texts_.take(variable.name_size + 2 * size + 2);
    std::copy_n(variable.assignment, variable.name_size + 1 + variable.value_size, larger);
    variable.assignment = larger;
    variable.room = static_cast<std::uint32_t>(2 * size);
  }
  auto* const end = variable.assignment + variable.name_size + 1 + variable.value_size;
  *std::copy(value.begin(), value.end(), std::copy(separator.begin(), separator.end(), end)) = '\0';
  variable.value_size = static_cast<std::uint32_t>(size);
}

void Environment::append(std::size_t kind, char* assignment, std::size_t name_size,
                         std::size_t value_size) {
  if (variables_.empty()) variables_.reserve(kMostlyEnough);
  variables_.push_back({assignment, static_cast<std::uint32_t>(name_size),
                        static_cast<std::uint32_t>(value_size), 0U, kinds_[kind]});
  kinds_[kind] = static_cast<Index>(variables_.size());
}

void Environment::remove(std::string_view name) {
  const auto known = find(name).index;
  if (known == 0) return;
  variables_.erase(variables_.begin() + (known - 1));
  index_anew();
}

void Environment::keep_only(const std::function<bool(std::string_view name)>& keeps) {
  if (std::erase_if(variables_, [&](const auto& variable) { return !keeps(variable.name()); }) > 0)
    index_anew();
}

void Environment::index_anew() {
  kinds_.fill(0);
  for (Index index = 1; index <= variables_.size(); ++index) {
    auto& variable = variables_[index - 1];
    variable.next = std::exchange(kinds_[kind_of(variable.name())], index);
  }
}

bool Environment::has(std::string_view name) const noexcept { return find(name).index != 0; }

bool Environment::is_joined(std::string_view name) const noexcept {
  const auto known = find(name).index;
  return known != 0 && variables_[known - 1].room != 0;
}

std::string_view Environment::get(std::string_view name) const noexcept {
  const auto known = find(name).index;
  return known == 0 ? std::string_view{} : variables_[known - 1].value();
}

std::vector<char*> Environment::block() const {
  std::vector<char*> pointers;
  pointers.reserve(variables_.size() + 1);
  for (const auto& variable : variables_) pointers.push_back(variable.assignment);
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace manhattan::http
