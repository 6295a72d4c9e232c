// SPDX-License-Identifier: MIT
#include "http/environment.h"

#include <algorithm>

namespace manhattan::http {
namespace {

bool is_forbidden(std::string_view name) noexcept {
  using namespace std::string_view_literals;
  // HTTP_PROXY: httpoxy, a request header that HTTP clients take for a setting. LD_*: would choose
  // what code a child loads. FCGI_ROLE is libfcgi's own.
  return name.empty() || name.find_first_of("=\0"sv) != name.npos || name == "HTTP_PROXY" ||
         name == "FCGI_ROLE" || name.starts_with("LD_");
}

std::string assign(std::string_view name, std::string_view value) {
  std::string assignment;
  assignment.reserve(name.size() + 1 + value.size());
  // A NUL would end the string early in the child: the rest of the value is cut here instead.
  return assignment.append(name).append("=").append(value.substr(0, value.find('\0')));
}

}  // namespace

void Environment::add(std::string_view name, std::string_view value) {
  if (is_forbidden(name)) return;
  const auto* known = find(name);
  if (!known || !name.starts_with("HTTP_")) return put(known, name, value);
  const auto* separator = name == "HTTP_COOKIE" ? "; " : ", ";
  put(known, name, std::string(known->value()).append(separator).append(value));
}

void Environment::add(std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == assignment.npos) return;
  add(assignment.substr(0, equals), assignment.substr(equals + 1));
}

void Environment::set(std::string_view name, std::string_view value) {
  put(find(name), name, value);
}

void Environment::put(const Variable* known, std::string_view name, std::string_view value) {
  Variable variable{assign(name, value), name.size()};
  if (known) {
    variables_[static_cast<std::size_t>(known - variables_.data())] = std::move(variable);
  } else {
    if (variables_.empty()) variables_.reserve(64);  // as many as most requests have
    variables_.push_back(std::move(variable));
  }
}

void Environment::remove(std::string_view name) {
  std::erase_if(variables_, [&](const Variable& variable) { return variable.name() == name; });
}

bool Environment::has(std::string_view name) const noexcept { return find(name) != nullptr; }

std::string_view Environment::get(std::string_view name) const noexcept {
  const auto* known = find(name);
  return known ? known->value() : std::string_view{};
}

std::vector<char*> Environment::block() {
  std::vector<char*> pointers;
  pointers.reserve(variables_.size() + 1);
  for (auto& variable : variables_) pointers.push_back(variable.assignment.data());
  pointers.push_back(nullptr);
  return pointers;
}

const Environment::Variable* Environment::find(std::string_view name) const noexcept {
  const auto found = std::find_if(variables_.begin(), variables_.end(),
                                  [&](const Variable& v) { return v.name() == name; });
  return found == variables_.end() ? nullptr : &*found;
}

}  // namespace manhattan::http
