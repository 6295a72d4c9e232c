// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/arena.h"

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
  /// Empty where there is none. Good as long as this, whatever else is set.
  std::string_view get(std::string_view name) const noexcept;

  /// Pointers to each `NAME=value`, then a null; good as long as this.
  std::vector<char*> block() const;

 private:
  struct Variable {
    char* assignment;  ///< in texts_, with a NUL behind it
    std::size_t name_size;
    std::size_t value_size;

    std::string_view name() const noexcept { return {assignment, name_size}; }
    std::string_view value() const noexcept { return {assignment + name_size + 1, value_size}; }
  };
  const Variable* find(std::string_view name) const noexcept;
  void put(const Variable* known, std::string_view name, std::string_view value);

  Arena texts_;
  std::uint64_t present_ = 0;  ///< a bit for each name's kind: most that are absent are seen by it
  std::vector<Variable> variables_;
};

}  // namespace manhattan::http
