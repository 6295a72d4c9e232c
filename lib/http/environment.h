// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/arena.h"
#include "http/name_kind.h"

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
  /// The same of each up to a null, as in environ(7). They outlive this: none is copied.
  void borrow(char* const* block);

  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  /// Removes every variable whose name `keeps` says false to.
  void keep_only(const std::function<bool(std::string_view name)>& keeps);
  bool has(std::string_view name) const noexcept;
  /// It came more than once, and was joined.
  bool is_joined(std::string_view name) const noexcept;
  /// Empty where there is none. Good as long as this, whatever else is set.
  std::string_view get(std::string_view name) const noexcept;

  /// Pointers to each `NAME=value`, then a null; good as long as this.
  std::vector<char*> block() const;

 private:
  static constexpr std::size_t kMostlyEnough = 42;  ///< variables
  using Index = std::uint32_t;                      ///< in variables_, from 1 up; 0: none
  struct Variable {
    char* assignment;  ///< with a NUL behind it
    std::uint32_t name_size;
    std::uint32_t value_size;
    std::uint32_t room;  ///< for a longer value, where it was extended; else 0
    Index next;          ///< of the same kind

    std::string_view name() const noexcept { return {assignment, name_size}; }
    std::string_view value() const noexcept { return {assignment + name_size + 1, value_size}; }
  };

  /// Where a name stands, or would.
  struct Place {
    Index index;
    std::size_t kind;  ///< in kinds_
  };

  Place find(std::string_view name) const noexcept;
  /// Instead of what is there, if anything is.
  void put(Place place, std::string_view name, std::string_view value);
  void extend(Variable& variable, std::string_view separator, std::string_view value);
  void index_anew();
  void append(std::size_t kind, char* assignment, std::size_t name_size, std::size_t value_size);

  Arena texts_;
  std::array<Index, kNameKinds> kinds_{};  ///< the last variable of each kind of name
  std::vector<Variable> variables_;
};

}  // namespace manhattan::http
