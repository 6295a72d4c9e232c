// SPDX-License-Identifier: MIT
// A JSON object with its keys in the order they were added, and its numbers exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stats/interval.h"

namespace manhattan::report {

/// As JSON writes a number, with 17 significant digits; `null` where it is none (nan, infinite).
std::string exact(double number);

class Fields {
 public:
  void add(const std::string& name, double number);
  void add(const std::string& name, const std::optional<double>& number);
  void add(const std::string& name, const std::optional<stats::Interval>& interval);
  void add(const std::string& name, const std::vector<double>& numbers);
  void add_integer(const std::string& name, std::int64_t number);
  void add_text(const std::string& name, const std::string& text);
  /// `value` is JSON already.
  void add_json(const std::string& name, std::string value);
  void add_all(const Fields& other);

  bool empty() const noexcept { return fields_.empty(); }
  const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return fields_; }
  /// The object; each line but the first is indented by `indent` + 1.
  std::string to_json(std::size_t indent = 0) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// An array of such objects, one below the other.
std::string to_json(const std::vector<Fields>& objects, std::size_t indent);

}  // namespace manhattan::report
