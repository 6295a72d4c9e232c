// SPDX-License-Identifier: MIT
#include "bin/option.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/near_name.h"

namespace manhattan::program {
namespace {

using Texts = std::vector<std::string>;

std::string joined(const Texts& words) {
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i) {
    all += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  }
  return all;
}

}  // namespace

Option::Option(Kind kind, const std::string& names, std::string placeholder, std::string help)
    : name_(names.substr(0, names.find(','))),
      letter_(name_.size() < names.size() ? names.back() : '\0'),
      placeholder_(std::move(placeholder)),
      help_(std::move(help)),
      kind_(kind) {}

Option& Option::by_default(std::string value) {
  default_ = std::move(value);
  return *this;
}

Option& Option::documented_default(std::string text) {
  documented_default_ = std::move(text);
  return *this;
}

Option& Option::between(std::int64_t least, std::int64_t most) {
  least_ = least;
  most_ = most;
  return *this;
}

Option& Option::one_of(std::vector<std::string> words) {
  words_ = std::move(words);
  return *this;
}

Option& Option::checked_by(Check check) {
  check_ = std::move(check);
  return *this;
}

Option& Option::checked_on_machine(Check check) {
  machine_check_ = std::move(check);
  return *this;
}

Option& Option::named_by(std::function<std::string(const std::string&)> name_of) {
  name_of_ = std::move(name_of);
  return *this;
}

Option& Option::composing() {
  is_composing_ = true;
  return *this;
}

Option& Option::free_text() {
  is_free_text_ = true;
  return *this;
}

Option& Option::on_reload() {
  reload_ = Reload::takes_effect;
  return *this;
}

Option& Option::at_restart() {
  reload_ = Reload::needs_restart;
  return *this;
}

std::string Option::default_text() const {
  if (!documented_default_.empty()) return documented_default_;
  return default_.value_or("");
}

void Option::add_to(options::options_description& described) const {
  const auto names = letter_ == 0 ? name_ : name_ + ',' + letter_;
  auto add = described.add_options();
  switch (kind_) {
    case Kind::flag:
      add(names.c_str(), options::bool_switch(), help_.c_str());
      break;
    case Kind::number: {
      auto* value = options::value<std::int64_t>()->value_name(placeholder_);
      if (default_) value->default_value(whole_number(*default_).value());
      add(names.c_str(), value, help_.c_str());
      break;
    }
    case Kind::text: {
      auto* value = options::value<std::string>()->value_name(placeholder_);
      if (default_) value->default_value(*default_);
      add(names.c_str(), value, help_.c_str());
      break;
    }
    case Kind::list: {
      auto* value = options::value<Texts>()->value_name(placeholder_);
      if (is_composing_) value->composing();
      add(names.c_str(), value, help_.c_str());
      break;
    }
  }
}

void Option::check(const std::string& value) const {
  // `key =` in a file says that there is none, as it always did.
  if (kind_ == Kind::text && value.empty() && default_.value_or("").empty()) return;
  const auto option = "--" + name_;
  if (least_) {
    const auto number = whole_number(value);
    const bool has_most = most_ < std::numeric_limits<std::int64_t>::max();
    if (!number || *number < *least_ || *number > most_) {
      const auto range = has_most
                             ? "from " + std::to_string(*least_) + " to " + std::to_string(most_)
                             : "at least " + std::to_string(*least_);
      throw ConfigError(option + " must be " + range + ", not " + value);
    }
  }
  if (!words_.empty() && std::ranges::find(words_, value) == words_.end()) {
    throw ConfigError(option + " '" + value + "': " + joined(words_) +
                      base::did_you_mean(value, words_));
  }
  if (check_) check_(value);
}

void Option::check_on_machine(const std::string& value) const {
  if (machine_check_ && !value.empty()) machine_check_(value);
}

std::string Option::name_in(const std::string& value) const {
  return name_of_ ? name_of_(value) : std::string();
}

std::vector<std::string> Option::texts_in(const options::variables_map& values) const {
  if (values.count(name_) == 0) return {};
  const auto& value = values[name_];
  switch (kind_) {
    case Kind::flag:
      return {value.as<bool>() ? "true" : "false"};
    case Kind::number:
      return {std::to_string(value.as<std::int64_t>())};
    case Kind::text:
      return {value.as<std::string>()};
    case Kind::list:
      return value.as<Texts>();
  }
  return {};
}

Option flag(const std::string& names, std::string help) {
  return {Option::Kind::flag, names, "", std::move(help)};
}
Option number(const std::string& names, std::string placeholder, std::string help) {
  return {Option::Kind::number, names, std::move(placeholder), std::move(help)};
}
Option text(const std::string& names, std::string placeholder, std::string help) {
  return {Option::Kind::text, names, std::move(placeholder), std::move(help)};
}
Option list(const std::string& names, std::string placeholder, std::string help) {
  return {Option::Kind::list, names, std::move(placeholder), std::move(help)};
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

void check_site(const std::string& text) {
  const auto site = whole_number(text);
  if (site && *site >= 0 && *site <= std::numeric_limits<std::int32_t>::max()) return;
  throw ConfigError("--site '" + text + "' is no number of a site, which is from 0 to 2147483647");
}

}  // namespace manhattan::program
