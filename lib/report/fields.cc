// SPDX-License-Identifier: MIT
#include "report/fields.h"

#include <cmath>
#include <cstdio>

#include "report/table.h"

namespace manhattan::report {

std::string exact(double number) {
  if (!std::isfinite(number)) return "null";
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

void Fields::add(const std::string& name, double number) { add_json(name, exact(number)); }

void Fields::add(const std::string& name, const std::optional<double>& number) {
  add_json(name, number ? exact(*number) : "null");
}

void Fields::add(const std::string& name, const std::optional<stats::Interval>& interval) {
  if (!interval) return add_json(name, "null");
  add(name, std::vector{interval->low, interval->high});
}

void Fields::add(const std::string& name, const std::vector<double>& numbers) {
  std::string array = "[";
  for (const double number : numbers) {
    if (array.size() > 1) array += ", ";
    array += exact(number);
  }
  add_json(name, array + "]");
}

void Fields::add_integer(const std::string& name, std::int64_t number) {
  add_json(name, std::to_string(number));
}

void Fields::add_text(const std::string& name, const std::string& text) {
  add_json(name, json_text(text));
}

void Fields::add_json(const std::string& name, std::string value) {
  fields_.emplace_back(name, std::move(value));
}

void Fields::add_all(const Fields& other) {
  fields_.insert(fields_.end(), other.fields_.begin(), other.fields_.end());
}

std::string Fields::to_json(std::size_t indent) const {
  const std::string separator = ",\n" + std::string(indent + 1, ' ');
  std::string object = "{";
  for (const auto& [name, value] : fields_) {
    if (object.size() > 1) object += separator;
    object += json_text(name) + ": " + value;
  }
  return object + "}";
}

std::string to_json(const std::vector<Fields>& objects, std::size_t indent) {
  std::string array = "[";
  for (const auto& object : objects) {
    if (array.size() > 1) array += ",\n" + std::string(indent + 1, ' ');
    array += object.to_json(indent + 1);
  }
  return array + "]";
}

}  // namespace manhattan::report
