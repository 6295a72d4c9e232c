// SPDX-License-Identifier: MIT
#include "http/environment.h"

#include <algorithm>

namespace manhattan::http {
namespace {

bool is_forbidden(std::string_view name) noexcept {
  // HTTP_PROXY: httpoxy, a request header that HTTP clients take for a setting. LD_*: would choose
  // what code a child loads. FCGI_ROLE is libfcgi's own.
  return name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos ||
         name == "HTTP_PROXY" || name == "FCGI_ROLE" || name.starts_with("LD_");
}

/// One of 64 bits, by the length and the end of `name`, which is not empty: names mostly begin
/// alike.
std::uint64_t kind_of(std::string_view name) noexcept {
  const auto last = static_cast<unsigned char>(name.back());
  return std::uint64_t{1} << ((name.size() * 7 + last) % 64);
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
  // A NUL would end the string early in the child: the rest of the value is cut here instead.
  value = value.substr(0, value.find('\0'));
  const Variable variable{texts_.take(name.size() + value.size() + 2), name.size(), value.size()};
  auto* end = std::copy(name.begin(), name.end(), variable.assignment);
  *end++ = '=';
  *std::copy(value.begin(), value.end(), end) = '\0';
  if (known) {
    variables_[static_cast<std::size_t>(known - variables_.data())] = variable;
  } else {
    if (variables_.empty()) variables_.reserve(64);  // as many as most requests have
    present_ |= kind_of(name);
    variables_.push_back(variable);
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

std::vector<char*> Environment::block() const {
  std::vector<char*> pointers;
  pointers.reserve(variables_.size() + 1);
  for (const auto& variable : variables_) pointers.push_back(variable.assignment);
  pointers.push_back(nullptr);
  return pointers;
}

const Environment::Variable* Environment::find(std::string_view name) const noexcept {
  if (name.empty() || !(present_ & kind_of(name))) return nullptr;
  for (const auto& variable : variables_) {
    // Names of one length mostly begin alike and differ at their end: that tells most of them
    // apart.
    if (variable.name_size == name.size() && variable.assignment[name.size() - 1] == name.back() &&
        variable.name() == name) {
      return &variable;
    }
  }
  return nullptr;
}

}  // namespace manhattan::http
