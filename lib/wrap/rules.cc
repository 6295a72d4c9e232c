// SPDX-License-Identifier: MIT
#include "wrap/rules.h"

#include <algorithm>

#include "base/error.h"
#include "base/near_name.h"
#include "base/text.h"
#include "http/pieces.h"

namespace manhattan::wrap {
namespace {

using Attribute = std::pair<std::string, std::string>;

http::Pieces pieces_of(std::string_view text) {
  auto pieces = http::parse_pieces(text);
  if (!pieces) throw ConfigError("it is not NAME; KEY=VALUE; ...");
  return std::move(*pieces);
}

char letter_of(const Attribute& attribute, std::string_view letters) {
  const auto& text = attribute.second;
  if (text.size() == 1 && letters.find(text[0]) != letters.npos) return text[0];
  throw ConfigError(attribute.first + " '" + text + "' is none of " + std::string(letters));
}

/// In what holds no blanks, a blank and '#' are the comment that somebody meant to write there.
void refuse_comment(const Attribute& attribute) {
  const auto& [key, value] = attribute;
  if (value.find(" #") == value.npos && value.find("\t#") == value.npos) return;
  throw ConfigError(key + " '" + value + "': '#' begins a comment only at the start of a line");
}

/// `others`: keys of the rule that are no places.
void require(const Attribute& attribute, Conditions& conditions,
             const std::vector<std::string>& others) {
  auto source = Source::parse(attribute.first);
  if (!source) {
    std::vector<std::string> known = {"method",     "host",        "path",        "status",
                                      "query.NAME", "header.NAME", "cookie.NAME", "answer.NAME"};
    known.insert(known.end(), others.begin(), others.end());
    std::string all;
    for (const auto& word : known) all += (all.empty() ? "" : ", ") + word;
    throw ConfigError("'" + attribute.first + "' is none of " + all +
                      base::did_you_mean(attribute.first, known));
  }
  using Kind = Source::Kind;
  const auto kind = source->kind;
  if (kind == Kind::method || kind == Kind::host || kind == Kind::path || kind == Kind::status)
    refuse_comment(attribute);
  const bool is_host = kind == Kind::host;
  conditions.require(std::move(*source),
                     is_host ? base::to_lower(attribute.second) : attribute.second);
}

void take_value(const Attribute& attribute, GoalRule& rule) {
  refuse_comment(attribute);
  const auto& text = attribute.second;
  rule.fixed_value = Decimal::parse(text);
  if (rule.fixed_value) return;
  rule.value_source = Source::parse(text);
  if (!rule.value_source) {
    throw ConfigError("value '" + text + "' is neither a number nor a place such as query.NAME");
  }
}

visitor::Weighted population_of(const std::string& text) {
  const auto equals = text.rfind('=');
  const auto weight =
      equals == text.npos ? Decimal::from_integer(1) : Decimal::parse(text.substr(equals + 1));
  if (!weight || *weight < Decimal{})
    throw ConfigError("the weight of population '" + text + "' is no number from 0 up");
  visitor::Weighted population{text.substr(0, equals), weight->to_double()};
  if (population.name.empty()) throw ConfigError("population '" + text + "' has no name");
  return population;
}

std::string variable_of(std::string_view split) {
  std::string variable = "MANHATTAN_SPLIT_";
  for (const char c : split) {
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool is_kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    variable += is_lower ? static_cast<char>(c - 'a' + 'A') : is_kept ? c : '_';
  }
  return variable;
}

void take_attribute(const Attribute& attribute, SplitRule& rule) {
  constexpr std::string_view kProgram = "program.";
  const auto& [key, value] = attribute;
  if (key == "population") {
    rule.populations.push_back(population_of(value));
    rule.has_weights |= value.find('=') != value.npos;
  } else if (key.starts_with(kProgram)) {
    refuse_comment(attribute);
    if (!value.starts_with('/')) throw ConfigError(key + " '" + value + "' is no absolute path");
    rule.programs[key.substr(kProgram.size())] = value;
  } else {
    require(attribute, rule.conditions, {"population", "program.POPULATION"});
  }
}

void check(const SplitRule& rule) {
  if (rule.conditions.mention(Source::Kind::status) ||
      rule.conditions.mention(Source::Kind::answer)) {
    throw ConfigError("it is chosen before there is an answer");
  }
  const auto has = [&](const std::string& name) {
    if (rule.populations.empty()) return name == "True" || name == "False";
    return std::any_of(rule.populations.begin(), rule.populations.end(),
                       [&](const auto& population) { return population.name == name; });
  };
  for (const auto& [population, program] : rule.programs) {
    if (!has(population)) throw ConfigError("it has no population '" + population + "'");
  }
  rule.choose("");  // throws for weights that can't be
}

/// Calls `parse`, and says of which rule an error is.
template <class Rule>
Rule parse_rule(const char* option, std::string_view text, Rule (*parse)(std::string_view)) {
  try {
    return parse(text);
  } catch (const ConfigError& error) {
    throw ConfigError(std::string(option) + " '" + std::string(text) + "': " + error.what());
  }
}

GoalRule parse_goal(std::string_view text) {
  auto pieces = pieces_of(text);
  GoalRule rule;
  rule.name = std::move(pieces.name);
  for (const auto& attribute : pieces.attributes) {
    if (attribute.first == "value") {
      take_value(attribute, rule);
    } else if (attribute.first == "type") {
      rule.type = static_cast<ValueType>(letter_of(attribute, "RASI"));
    } else if (attribute.first == "format") {
      rule.format = static_cast<ValueFormat>(letter_of(attribute, "NCP"));
    } else {
      require(attribute, rule.conditions, {"value", "type", "format"});
    }
  }
  return rule;
}

SplitRule parse_split(std::string_view text) {
  auto pieces = pieces_of(text);
  SplitRule rule;
  rule.variable = variable_of(pieces.name);
  rule.name = std::move(pieces.name);
  for (const auto& attribute : pieces.attributes) take_attribute(attribute, rule);
  check(rule);
  return rule;
}

bool has_same_populations(const SplitRule& a, const SplitRule& b) {
  return a.has_weights == b.has_weights &&
         std::equal(a.populations.begin(), a.populations.end(), b.populations.begin(),
                    b.populations.end(), [](const auto& mine, const auto& other) {
                      return mine.name == other.name && mine.weight == other.weight;
                    });
}

/// What is wrong with `later` behind `earlier`; empty: nothing.
std::string conflict_of(const SplitRule& earlier, const SplitRule& later) {
  if (earlier.name != later.name) {
    if (earlier.variable != later.variable) return {};
    return "its variable " + later.variable + " is that of split '" + earlier.name +
           "': give one of them another name";
  }
  if (!has_same_populations(earlier, later)) {
    return "an earlier rule of that name has other populations: give both the same, in the same "
           "order, "
           "or this split another name";
  }
  if (later.conditions.imply(earlier.conditions)) {
    return "an earlier rule of that name fits all its requests: take one of them out, or give this "
           "split another name";
  }
  return {};
}

}  // namespace

void check_splits(const std::vector<SplitRule>& splits) {
  for (auto later = splits.begin(); later != splits.end(); ++later) {
    for (auto earlier = splits.begin(); earlier != later; ++earlier) {
      const auto conflict = conflict_of(*earlier, *later);
      if (!conflict.empty()) throw ConfigError("--split '" + later->name + "': " + conflict);
    }
  }
}

GoalRule GoalRule::parse(std::string_view text) { return parse_rule("--goal", text, parse_goal); }

SplitRule SplitRule::parse(std::string_view text) {
  return parse_rule("--split", text, parse_split);
}

bool GoalRule::holds(const Facts& facts) const {
  using Kind = Source::Kind;
  const auto& method = facts.request.method;
  if (!conditions.mention(Kind::method) && method != "GET" && method != "POST") return false;
  const bool is_good = facts.answer && facts.answer->status < 400;
  if (!conditions.mention(Kind::status) && !is_good) return false;
  return conditions.hold(facts);
}

std::optional<Decimal> GoalRule::value(const Facts& facts) const {
  if (!value_source) return fixed_value;
  const auto text = conditions.captured(*value_source, facts);
  return text ? Decimal::parse(*text) : std::nullopt;
}

std::string SplitRule::choose(std::string_view visitor) const {
  if (populations.empty()) return visitor::choose_population(visitor, name);
  if (has_weights) return visitor::choose_population(visitor, name, populations);
  std::vector<std::string> names;
  for (const auto& population : populations) names.push_back(population.name);
  return visitor::choose_population(visitor, name, names);
}

}  // namespace manhattan::wrap
