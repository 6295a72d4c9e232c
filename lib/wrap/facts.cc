// SPDX-License-Identifier: MIT
#include "wrap/facts.h"

#include <algorithm>

#include "base/text.h"
#include "http/form.h"

namespace manhattan::wrap {
namespace {

using Kind = Source::Kind;

struct Word {
  std::string_view text;
  Kind kind;
};

constexpr Word kPlain[] = {
    {"method", Kind::method}, {"host", Kind::host}, {"path", Kind::path}, {"status", Kind::status}};
constexpr Word kNamed[] = {{"query.", Kind::query},
                           {"header.", Kind::header},
                           {"cookie.", Kind::cookie},
                           {"answer.", Kind::answer}};

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  for (const auto pair : base::split(query, '&')) {
    const auto equals = pair.find('=');
    if (http::decode_form(pair.substr(0, equals)) != name) continue;
    return equals == pair.npos ? std::string() : http::decode_form(pair.substr(equals + 1));
  }
  return {};
}

/// The CGI variable of a request header.
std::string variable_of(std::string_view header) {
  std::string name;
  for (const char c : header) {
    name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const bool is_special = name == "CONTENT_TYPE" || name == "CONTENT_LENGTH";
  return is_special ? name : "HTTP_" + name;
}

std::optional<std::string> header_of(const http::Environment& environment,
                                     const std::string& name) {
  const auto variable = variable_of(name);
  if (!environment.has(variable)) return {};
  return std::string(environment.get(variable));
}

}  // namespace

std::optional<Source> Source::parse(std::string_view word) {
  for (const auto& [text, kind] : kPlain) {
    if (word == text) return Source{kind, {}};
  }
  for (const auto& [text, kind] : kNamed) {
    if (!word.starts_with(text) || word.size() == text.size()) continue;
    return Source{kind, std::string(word.substr(text.size()))};
  }
  return {};
}

std::optional<std::string> text_at(const Source& source, const Facts& facts) {
  const auto& request = facts.request;
  switch (source.kind) {
    case Kind::method:
      return std::string(request.method);
    case Kind::host:
      return request.host;
    case Kind::path:
      return std::string(request.path());
    case Kind::query:
      return parameter(facts.environment.get("QUERY_STRING"), source.name);
    case Kind::header:
      return header_of(facts.environment, source.name);
    case Kind::cookie: {
      auto cookies = request.cookies;
      return std::optional<std::string>(http::take_cookie(cookies, source.name));
    }
    case Kind::status:
      return facts.answer ? std::optional(std::to_string(facts.answer->status)) : std::nullopt;
    case Kind::answer: {
      const auto value = facts.answer ? facts.answer->find(source.name) : std::nullopt;
      return value ? std::optional<std::string>(*value) : std::nullopt;
    }
  }
  return {};
}

std::optional<std::string_view> match(std::string_view pattern, std::string_view text) noexcept {
  auto star = pattern.find('*');
  if (star == pattern.npos) return pattern == text ? std::optional(text) : std::nullopt;
  if (!text.starts_with(pattern.substr(0, star))) return {};
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // `text` is what the star just passed, and all after it, may stand for.
  while ((star = pattern.find('*')) != pattern.npos) {
    const auto piece = pattern.substr(0, star);
    const auto at = text.find(piece);
    if (at == text.npos) return {};
    text.remove_prefix(at + piece.size());
    pattern.remove_prefix(star + 1);
  }
  if (!text.ends_with(pattern)) return {};
  text.remove_suffix(pattern.size());
  return text;
}

void Conditions::require(Source source, std::string pattern) {
  const auto same = std::find_if(conditions_.begin(), conditions_.end(),
                                 [&](const Condition& c) { return c.source == source; });
  if (same != conditions_.end()) return same->patterns.push_back(std::move(pattern));
  conditions_.push_back({std::move(source), {std::move(pattern)}});
}

bool Conditions::mention(Source::Kind kind) const noexcept {
  return std::any_of(conditions_.begin(), conditions_.end(),
                     [&](const Condition& c) { return c.source.kind == kind; });
}

bool Conditions::hold(const Facts& facts) const {
  return std::all_of(conditions_.begin(), conditions_.end(),
                     [&](const Condition& c) { return match_any(c, facts).has_value(); });
}

bool Conditions::imply(const Conditions& others) const noexcept {
  const auto has = [](const auto& all, const auto& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  return std::all_of(others.conditions_.begin(), others.conditions_.end(), [&](const auto& other) {
    return std::any_of(conditions_.begin(), conditions_.end(), [&](const Condition& mine) {
      return mine.source == other.source &&
             std::all_of(mine.patterns.begin(), mine.patterns.end(),
                         [&](const auto& pattern) { return has(other.patterns, pattern); });
    });
  });
}

std::optional<std::string> Conditions::captured(const Source& source, const Facts& facts) const {
  for (const auto& condition : conditions_) {
    if (condition.source == source) return match_any(condition, facts);
  }
  return text_at(source, facts);
}

std::optional<std::string> Conditions::match_any(const Condition& condition, const Facts& facts) {
  const auto text = text_at(condition.source, facts);
  if (!text) return {};
  for (const auto& pattern : condition.patterns) {
    if (const auto captured = match(pattern, *text)) return std::string(*captured);
  }
  return {};
}

}  // namespace manhattan::wrap
