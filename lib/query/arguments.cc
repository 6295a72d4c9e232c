// SPDX-License-Identifier: MIT
#include "query/arguments.h"

#include <algorithm>

namespace manhattan::query {
namespace {

using nlohmann::json;

/// A value for a message: short, whatever was sent.
std::string shown(const json& value) {
  constexpr std::size_t kMostBytes = 60;
  const auto text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  return text.size() <= kMostBytes ? text : text.substr(0, kMostBytes) + "...";
}

std::optional<std::int64_t> whole_number(const json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return std::nullopt;
}

}  // namespace

Arguments::Arguments(const Request& request, std::initializer_list<const char*> names)
    : method_(request.method) {
  const auto count = request.arguments.size();
  if (count > names.size()) {
    refuse("takes at most " + std::to_string(names.size()) + " arguments, not " +
           std::to_string(count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    values_.emplace_back(names.begin()[i], request.arguments[i]);
  }
  for (const auto& [name, value] : request.named.items()) {
    const auto same = [&name = name](const auto& known) { return known == name; };
    if (std::none_of(names.begin(), names.end(), same)) {
      refuse("has no argument " + shown(name));
    }
    if (find(name.c_str()) != nullptr) refuse("got " + shown(name) + " twice");
    values_.emplace_back(name, value);
  }
}

const json* Arguments::find(const char* name) const {
  for (const auto& [known, value] : values_) {
    if (known == name && !value.is_null()) return &value;
  }
  return nullptr;
}

void Arguments::refuse(const std::string& message) const {
  throw Refusal("ArgumentError", method_ + "() " + message);
}

void Arguments::refuse(const char* name, const std::string& what_it_must_be) const {
  const auto* value = find(name);
  refuse("needs '" + std::string(name) + "' to be " + what_it_must_be + ", not " +
         (value == nullptr ? "left out" : shown(*value)));
}

std::optional<std::string> Arguments::text(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(name, "a string");
  return value->get<std::string>();
}

std::string Arguments::required_text(const char* name) const {
  auto result = text(name);
  if (!result || result->empty()) refuse(name, "a string that is not empty");
  return *std::move(result);
}

std::vector<std::string> Arguments::texts(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_array()) refuse(name, "a list of strings");
  std::vector<std::string> result;
  for (const auto& item : *value) {
    if (!item.is_string()) refuse(name, "a list of strings");
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::optional<std::pair<std::string, std::string>> Arguments::pair(const char* name) const {
  if (find(name) == nullptr) return std::nullopt;
  if (!find(name)->is_array()) refuse(name, "a pair of strings");
  auto both = texts(name);
  if (both.size() != 2) refuse(name, "a pair of strings");
  return std::pair(std::move(both[0]), std::move(both[1]));
}

std::optional<std::int64_t> Arguments::integer(const char* name, std::int64_t least,
                                               std::int64_t most) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = whole_number(*value);
  if (!number || *number < least || *number > most) {
    refuse(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

std::optional<std::string> Arguments::text_or_integer(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  const auto number = whole_number(*value);
  if (!number) refuse(name, "a string or a whole number");
  return std::to_string(*number);
}

bool Arguments::flag(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) refuse(name, "true or false");
  return value->get<bool>();
}

}  // namespace manhattan::query
