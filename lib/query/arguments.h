// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "query/message.h"

namespace manhattan::query {

/// The arguments of one request, by position or by name, as a Python function takes them. One
/// that is left out and one that is null are the same.
///
/// Owns:    copies of the values.
/// Errors:  Refusal of kind ArgumentError, naming the method and the argument.
class Arguments {
 public:
  /// `names`: all that the method takes, in order. Too many, twice the same, unknown: refused.
  Arguments(const Request& request, std::initializer_list<const char*> names);

  std::optional<std::string> text(const char* name) const;
  std::string required_text(const char* name) const;
  /// A list of strings; empty where left out.
  std::vector<std::string> texts(const char* name) const;
  /// `[a, b]`: two strings.
  std::optional<std::pair<std::string, std::string>> pair(const char* name) const;
  /// A whole number from `least` to `most`.
  std::optional<std::int64_t> integer(const char* name, std::int64_t least,
                                      std::int64_t most) const;
  /// A string or a whole number, as text.
  std::optional<std::string> text_or_integer(const char* name) const;
  bool flag(const char* name) const;

 private:
  const nlohmann::json* find(const char* name) const;
  [[noreturn]] void refuse(const std::string& message) const;
  [[noreturn]] void refuse(const char* name, const std::string& what_it_must_be) const;

  std::string method_;
  std::vector<std::pair<std::string, nlohmann::json>> values_;
};

}  // namespace manhattan::query
