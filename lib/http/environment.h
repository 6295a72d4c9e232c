// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace manhattan::http {

/// The CGI variables of one request, each name once, in the order they came.
class Environment {
 public:
  /// Adds what a web server handed over. A request header that came twice is joined with ", "
  /// (cookies with "; "); of anything else the last one holds. What no program may see is left
  /// out: HTTP_PROXY, LD_*, names that are empty or hold a NUL or an equals sign.
  void add(std::string_view name, std::string_view value);
  /// The same of `NAME=value`.
  void add(std::string_view assignment);

  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  bool has(std::string_view name) const noexcept;
  /// Empty where there is none.
  std::string_view get(std::string_view name) const noexcept;

  /// Pointers to each `NAME=value`, then a null; good until this changes.
  std::vector<char*> block();

 private:
  struct Variable {
    std::string assignment;
    std::size_t name_length;

    std::string_view name() const noexcept { return {assignment.data(), name_length}; }
    std::string_view value() const noexcept {
      return std::string_view(assignment).substr(name_length + 1);
    }
  };
  const Variable* find(std::string_view name) const noexcept;
  void put(const Variable* known, std::string_view name, std::string_view value);

  std::vector<Variable> variables_;
};

}  // namespace manhattan::http
